/** Trees of the shadow repository: making one of the files as they are now, reading one, and comparing two. */

import { messageOf, PerdureError } from "../base/errors.ts";
import type { Git } from "./git.ts";
import { GitFailure, splitNul } from "./git.ts";
import type { Listing, Rules, WorkspaceLimits } from "./list-files.ts";
import { examine, listPaths, lookAt } from "./list-files.ts";
import { copyIndex, keepIndex } from "./shadow-repository.ts";

export interface TreePlaces {
  readonly git: Git;
  readonly gitDir: string;
  readonly rules: Rules;
  readonly limits: WorkspaceLimits;
  /** Names the files this process writes beside others. */
  uuid(): string;
}

export interface TakenTree extends Listing {
  readonly tree: string;
}

/** Files come and go while they are read. */
const ATTEMPTS = 4;

/**
 * The tree of the files as they are now, with those of `also` that are there, ignored or not. Its objects are durable.
 *
 * @throws PerdureError `limit-reached`; `conflict` when files cannot be read, or change faster than they can be
 */
export async function takeTree(places: TreePlaces, also: readonly string[] = []): Promise<TakenTree> {
  const { git, gitDir, rules, limits } = places;
  const { projectDir } = rules;
  for (let attempt = 1; ; attempt++) {
    const paths = new Set(await listPaths(git, gitDir, rules));
    for (const path of also) if (!paths.has(path) && (await lookAt(projectDir, path)) !== null) paths.add(path);
    const listing = await examine([...paths], projectDir, limits);
    try {
      return { ...listing, tree: await writeTree(places, listing) };
    } catch (error) {
      if (!(error instanceof GitFailure)) throw error;
      if (attempt === ATTEMPTS) throw cannotRead(error);
    }
  }
}

async function writeTree({ git, gitDir, rules, uuid }: TreePlaces, { files }: Listing): Promise<string> {
  const index = await copyIndex(gitDir, uuid());
  const env = { GIT_INDEX_FILE: index };
  const prefix = rules.prefix === "" ? "" : `${Buffer.from(rules.prefix).toString("latin1")}/`;
  const wanted = new Set(files.map(({ path }) => path));
  const known = await git.run(["ls-files", "-z", "--cached"], { env }).catch(() => null);
  if (known === null) await removeIndex(index);
  const gone = known === null ? [] : splitNul(known).filter((path) => !wanted.has(path));
  if (gone.length > 0) {
    const removals = gone.map((path) => `0 ${"0".repeat(40)}\t${prefix}${path}\0`).join("");
    await git.run(["update-index", "-z", "--index-info"], { env, input: Buffer.from(removals, "latin1") });
  }
  const input = Buffer.from(files.map(({ path }) => `${path}\0`).join(""), "latin1");
  await git.run(["update-index", "--add", "--remove", "--replace", "-z", "--stdin"], { env, input });
  const tree = await git.run(treeArgs(prefix, files.length === 0), { env });
  await keepIndex(gitDir, index);
  return tree.toString().trim();
}

/** The files of the project as one tree, wherever in the work tree it lies. */
function treeArgs(prefix: string, isEmpty: boolean): readonly string[] {
  if (isEmpty) return ["mktree"];
  return prefix === "" ? ["write-tree"] : ["write-tree", `--prefix=${prefix}`];
}

async function removeIndex(index: string): Promise<void> {
  const { rm } = await import("node:fs/promises");
  await rm(index, { force: true });
}

function cannotRead(error: GitFailure): PerdureError {
  return new PerdureError("conflict", {
    message: `The workspace could not be read: ${error.said.split("\n")[0] ?? ""}`,
    hint: "Make the file readable, wait until nothing changes it, or name it in .perdureignore; nothing was changed.",
    cause: error,
  });
}

export interface TreeEntry {
  /** As git writes it: `100644`, `100755`, `120000`. */
  readonly kind: string;
  readonly object: string;
}

/** By path. */
export async function readTree(git: Git, tree: string): Promise<ReadonlyMap<string, TreeEntry>> {
  const entries = new Map<string, TreeEntry>();
  for (const line of splitNul(await git.run(["ls-tree", "-r", "-z", "--full-tree", tree]))) {
    const [, kind = "", object = "", path = ""] = /^(\d+) \w+ ([0-9a-f]+)\t([\s\S]*)$/.exec(line) ?? [];
    entries.set(path, { kind, object });
  }
  return entries;
}

export interface FileChange {
  readonly path: string;
  readonly change: "added" | "modified" | "deleted";
}

export function compareTrees(
  before: ReadonlyMap<string, TreeEntry>,
  after: ReadonlyMap<string, TreeEntry>,
): readonly FileChange[] {
  const changes: FileChange[] = [];
  for (const [path, entry] of after) {
    const was = before.get(path);
    if (was === undefined) changes.push({ path, change: "added" });
    else if (was.kind !== entry.kind || was.object !== entry.object) changes.push({ path, change: "modified" });
  }
  for (const path of before.keys()) if (!after.has(path)) changes.push({ path, change: "deleted" });
  return changes.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** Proves that every object can be read, before anything is changed by them. */
export async function proveReadable(git: Git, objects: readonly string[]): Promise<void> {
  try {
    const input = objects.map((object) => `${object}\n`).join("");
    const answer = await git.run(["cat-file", "--batch-check"], { input });
    const missing = answer
      .toString()
      .split("\n")
      .filter((line) => line.endsWith(" missing"));
    if (missing.length > 0) throw new Error(`object ${missing[0] ?? ""}`);
    await git.run(["cat-file", "--batch"], { input, isOutputDropped: true });
  } catch (cause) {
    throw new PerdureError("store-damaged", {
      message: `The snapshot cannot be read: ${messageOf(cause)}`,
      hint: "Restore another checkpoint; nothing was changed. `perdure doctor` tells which snapshots are whole.",
      cause,
    });
  }
}
