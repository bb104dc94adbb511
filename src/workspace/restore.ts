/**
 * Bringing files back as a snapshot has them. What is replaced was taken into a snapshot before, so this works on two
 * trees: it takes out of the way what is in the way, writes what differs, and then deletes what was not there. It can be
 * broken off anywhere and run again.
 */

import { chmod, lstat, readdir, rm, rmdir } from "node:fs/promises";

import { PerdureError } from "../base/errors.ts";
import { pathText } from "./git.ts";
import { inProject, listPaths } from "./list-files.ts";
import type { FileChange, TreeEntry, TreePlaces } from "./tree.ts";

export interface SnapshotTree {
  readonly tree: string;
  readonly entries: ReadonlyMap<string, TreeEntry>;
  /** Permission bits that are not the usual ones, by path. */
  readonly modes: ReadonlyMap<string, number>;
}

interface RestoreCounts {
  readonly written: number;
  readonly deleted: number;
}

/** What stands where the files of a snapshot belong and would be replaced: it has to be taken into the snapshot before. */
export async function findReplaced(projectDir: string, entries: ReadonlyMap<string, TreeEntry>): Promise<string[]> {
  const found = new Set<string>();
  const directories = new Set<string>();
  for (const path of entries.keys()) {
    for (const part of [...parentsOf(path), path]) {
      if (directories.has(part)) continue;
      const kind = await kindAt(projectDir, part);
      if (kind === "directory") directories.add(part);
      else if (kind === "file") found.add(part);
      if (kind !== "directory") break;
    }
  }
  return [...found];
}

/** From the top down: `a`, `a/b` of `a/b/c`. */
function parentsOf(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

async function kindAt(projectDir: string, path: string): Promise<"file" | "directory" | null> {
  try {
    return (await lstat(inProject(projectDir, path))).isDirectory() ? "directory" : "file";
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Refuses, before anything is changed, where a directory that holds more than the snapshot before would have to give way to a file. */
export async function refuseBlocked(
  projectDir: string,
  before: ReadonlyMap<string, TreeEntry>,
  after: ReadonlyMap<string, TreeEntry>,
): Promise<void> {
  for (const path of after.keys()) {
    if (before.has(path) || !(await isDirectoryIn(projectDir, path))) continue;
    const kept = (await filesBelow(projectDir, path)).find((file) => !before.has(file));
    if (kept === undefined) continue;
    throw new PerdureError("conflict", {
      message: `${pathText(path)} was a file and is a directory now, in which ${pathText(kept)} belongs to no snapshot`,
      hint: "Move the directory elsewhere and restore again; nothing was changed.",
      details: { path: pathText(path), inside: pathText(kept) },
    });
  }
}

/** Not by way of a link, which leads out of the project. */
async function isDirectoryIn(projectDir: string, path: string): Promise<boolean> {
  for (const part of [...parentsOf(path), path]) if ((await kindAt(projectDir, part)) !== "directory") return false;
  return true;
}

async function filesBelow(projectDir: string, directory: string): Promise<readonly string[]> {
  const names = await readdir(inProject(projectDir, directory), { encoding: "latin1" });
  const files: string[] = [];
  for (const name of names) {
    const path = `${directory}/${name}`;
    if ((await kindAt(projectDir, path)) === "directory") files.push(...(await filesBelow(projectDir, path)));
    else files.push(path);
  }
  return files;
}

/** Under the lock. `changes` lead from `before`, which is how the files are, to `after`. */
export async function applyChanges(
  places: TreePlaces,
  {
    before,
    after,
    changes,
  }: {
    readonly before: SnapshotTree;
    readonly after: SnapshotTree;
    readonly changes: readonly FileChange[];
  },
): Promise<RestoreCounts> {
  const { projectDir } = places.rules;
  const written = changes.filter(({ change }) => change !== "deleted").map(({ path }) => path);
  const surplus = changes.filter(({ change }) => change === "deleted").map(({ path }) => path);
  const inTheWay = blocking(written, surplus);
  for (const path of inTheWay) await removeFile(projectDir, path);
  for (const path of written) if (await isDirectoryIn(projectDir, path)) await removeEmptyTree(projectDir, path);
  await writeFiles(places, after.tree, written);
  await setModes(projectDir, { before, after, written });
  // Asked once the ignore files are those of the snapshot: what these ignore stays.
  const present = new Set(await listPaths(places.git, places.gitDir, places.rules));
  const toDelete = surplus.filter((path) => present.has(path));
  for (const path of toDelete) await removeFile(projectDir, path);
  return { written: written.length, deleted: inTheWay.length + toDelete.length };
}

/** Files where directories are needed, and files in directories where a file is needed. */
function blocking(written: readonly string[], surplus: readonly string[]): readonly string[] {
  const targets = new Set(written);
  const needed = new Set(written.flatMap(parentsOf));
  return surplus.filter((path) => needed.has(path) || parentsOf(path).some((parent) => targets.has(parent)));
}

/** Git writes each file anew under its name, so that neither what is read-only nor what has other names is in its way. */
async function writeFiles(
  { git, gitDir, rules, uuid }: TreePlaces,
  tree: string,
  paths: readonly string[],
): Promise<void> {
  if (paths.length === 0) return;
  const index = `${gitDir}/index.${uuid()}`;
  const env = { GIT_INDEX_FILE: index };
  try {
    const prefix = rules.prefix === "" ? [] : [`--prefix=${rules.prefix}/`];
    await git.run(["read-tree", ...prefix, tree], { env });
    const input = Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1");
    await git.run(["checkout-index", "--force", "-z", "--stdin"], { env, input });
  } finally {
    await rm(index, { force: true });
  }
}

async function setModes(
  projectDir: string,
  {
    before,
    after,
    written,
  }: { readonly before: SnapshotTree; readonly after: SnapshotTree; readonly written: readonly string[] },
): Promise<void> {
  if (process.platform === "win32") return;
  const paths = new Set(written);
  for (const path of after.entries.keys()) {
    if (before.entries.has(path) && before.modes.get(path) !== after.modes.get(path)) paths.add(path);
  }
  for (const path of paths) {
    const kind = after.entries.get(path)?.kind;
    if (kind === undefined || kind === "120000") continue;
    await chmod(inProject(projectDir, path), after.modes.get(path) ?? (kind === "100755" ? 0o755 : 0o644));
  }
}

/** With the directories it leaves empty. */
async function removeFile(projectDir: string, path: string): Promise<void> {
  await rm(inProject(projectDir, path), { force: true });
  for (const parent of parentsOf(path).toReversed()) {
    try {
      await rmdir(inProject(projectDir, parent));
    } catch {
      // Something is left in it, or it is gone already: it and those above it stay.
      return;
    }
  }
}

/** A directory that holds nothing but directories. */
async function removeEmptyTree(projectDir: string, directory: string): Promise<void> {
  for (const name of await readdir(inProject(projectDir, directory), { encoding: "latin1" })) {
    await removeEmptyTree(projectDir, `${directory}/${name}`);
  }
  await rmdir(inProject(projectDir, directory));
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
