/**
 * Snapshots of the project's files in a repository of their own, beside the user's and never touching it. A snapshot is
 * a commit; whoever takes one keeps its name. One process at a time works here; one killed at any instant leaves nothing
 * that the next has to care for.
 */

import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";

import type { ClockDep } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import { fileLock } from "../base/file-lock.ts";
import type { JsonObject } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { RandomDep } from "../base/random.ts";
import type { Git } from "./git.ts";
import { GitFailure, gitAt, pathText } from "./git.ts";
import type { ListedFile, WorkspaceLimits } from "./list-files.ts";
import type { SnapshotTree } from "./restore.ts";
import { applyChanges, findReplaced, refuseBlocked } from "./restore.ts";
import { ensureShadow, findUserRepository, prefixOf, SNAPSHOT_REFS } from "./shadow-repository.ts";
import type { FileChange, TakenTree, TreePlaces } from "./tree.ts";
import { compareTrees, proveReadable, readTree, takeTree } from "./tree.ts";

export type { WorkspaceLimits } from "./list-files.ts";
export type { FileChange } from "./tree.ts";

export interface Snapshot {
  /** Its name: 40 hexadecimal digits. */
  readonly commit: string;
  readonly files: number;
  readonly bytes: number;
  /** Git repositories inside the project, which no snapshot holds. */
  readonly repositories: readonly string[];
}

export interface Restored {
  /** A snapshot of how the files were before; restoring it undoes the restore. */
  readonly before: string;
  readonly written: number;
  readonly deleted: number;
  /** Files of the snapshot that lie in what is a git repository of its own now, and were left alone. */
  readonly leftAlone: readonly string[];
}

export interface Workspace {
  /** Resolves when the snapshot is durable. @throws PerdureError `limit-reached`, `conflict`, `unsupported` without git */
  take(input: { readonly label: string }): Promise<Snapshot>;
  /**
   * Makes the files those of the snapshot: contents, permissions, links, and nothing besides but what is ignored. How
   * they were is taken into a snapshot first.
   *
   * @throws PerdureError `not-found`, `store-damaged` (a snapshot that cannot be read), `conflict`, `limit-reached`; nothing was changed then
   */
  restore(commit: string): Promise<Restored>;
  /** From one snapshot to another, or to the files as they are now; by path. */
  diff(from: string, to: string | "now"): Promise<readonly FileChange[]>;
  /**
   * Forgets all snapshots but these and those younger than an hour, and frees what only they used; a dry run only looks.
   * Returns those forgotten.
   */
  keepOnly(commits: ReadonlySet<string>, options?: { readonly isDryRun?: boolean }): Promise<readonly string[]>;
  /** What is wrong with the repository, in words; empty when nothing is, or when there is none. */
  check(): Promise<readonly string[]>;
}

interface WorkspaceOptions {
  readonly projectDir: string;
  readonly limits: WorkspaceLimits;
  /** Relative to the project, besides `.perdure`: where the store lies, say. */
  readonly alwaysExcluded: readonly string[];
}

/** A snapshot is taken before the checkpoint that names it is written. */
const YOUNG_MS = 3_600_000;
const LOCK_WAIT_MS = 60_000;

/** Nothing is made before the first snapshot. */
export function openWorkspace(deps: ClockDep & RandomDep, options: WorkspaceOptions): Workspace {
  const projectDir = realpathSync(options.projectDir);
  const gitDir = join(projectDir, ".perdure", "workspace.git");

  const locked = async <Result>(work: (places: TreePlaces) => Promise<Result>): Promise<Result> => {
    const { mkdir } = await import("node:fs/promises");
    await mkdir(gitDir, { recursive: true });
    const lock = fileLock(join(gitDir, "perdure-lock"));
    try {
      if (!(await lock.acquire({ waitMs: LOCK_WAIT_MS }))) throw stillBusy(gitDir);
      await ensureShadow(gitDir);
      return await work(await findPlaces(deps, { ...options, projectDir, gitDir }));
    } finally {
      lock.close();
    }
  };

  const snapshot = async (places: TreePlaces, label: string, also: readonly string[] = []): Promise<KeptTree> => {
    const taken = await takeTree(places, also);
    const message = JSON.stringify({
      label,
      modes: Object.fromEntries(unusualModes(taken.files)),
    } satisfies JsonObject);
    const commit = await commitTree(places.git, { tree: taken.tree, message, at: deps.clock.now() });
    return { ...taken, commit };
  };

  const existing = (): void => {
    if (!existsSync(join(gitDir, "HEAD"))) throw noSnapshot("there is none at all in this project");
  };

  return {
    take: ({ label }) =>
      locked(async (places) => {
        const { commit, files, repositories } = await snapshot(places, label);
        const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
        return { commit, files: files.length, bytes, repositories: repositories.map(pathText) };
      }),
    async restore(commit) {
      existing();
      return await locked(async (places) => {
        const { git } = places;
        const wanted = await readSnapshot(git, commit);
        const kept = await snapshot(places, `before ${commit}`, await findReplaced(projectDir, wanted.entries));
        const before = await readSnapshot(git, kept.commit);
        const { after, leftAlone } = withoutRepositories(wanted, kept.repositories);
        await refuseBlocked(projectDir, before.entries, after.entries);
        const changes = compareTrees(before.entries, after.entries);
        const objects = changes.flatMap(({ path }) => after.entries.get(path)?.object ?? []);
        await proveReadable(git, [...new Set(objects)]);
        const counts = await applyChanges(places, { before, after, changes }).catch((cause) => {
          throw halfRestored(cause, { commit, before: kept.commit });
        });
        return { before: kept.commit, ...counts, leftAlone };
      });
    },
    async diff(from, to) {
      existing();
      return await locked(async (places) => {
        const { git } = places;
        const was = await readSnapshot(git, from);
        const is = to === "now" ? await presentTree(places) : await readSnapshot(git, to);
        const changes = [...compareTrees(was.entries, is.entries), ...modeChanges(was, is)];
        return changes
          .map(({ path, change }) => ({ path: pathText(path), change }))
          .toSorted((one, other) => (one.path < other.path ? -1 : 1));
      });
    },
    async keepOnly(commits, { isDryRun = false } = {}) {
      if (!existsSync(join(gitDir, "HEAD"))) return [];
      return await locked(async ({ git }) => {
        const forgotten = (await listSnapshots(git)).filter(
          ({ commit, at }) => !commits.has(commit) && at < deps.clock.now() - YOUNG_MS,
        );
        const names = forgotten.map(({ commit }) => commit);
        if (isDryRun) return names;
        const deletions = names.map((commit) => `delete ${SNAPSHOT_REFS}${commit}\n`).join("");
        if (forgotten.length > 0) await git.run(["update-ref", "--stdin"], { input: deletions });
        await git.run(["repack", "-a", "-d", "-q"]);
        // A git whose Perdure was killed may be writing still; objects that nothing names yet are left a while.
        await git.run(["prune", "--expire=2.hours.ago"]);
        return names;
      });
    },
    async check() {
      if (!existsSync(join(gitDir, "HEAD"))) return [];
      return await locked(async ({ git }) => {
        try {
          await git.run(["fsck", "--no-dangling", "--no-progress"]);
          return [];
        } catch (error) {
          if (!(error instanceof GitFailure)) throw error;
          return error.said
            .split("\n")
            .filter((line) => line !== "" && !line.startsWith("notice:"))
            .slice(0, 20);
        }
      });
    },
  };
}

interface KeptTree extends TakenTree {
  readonly commit: string;
}

async function findPlaces(
  { random }: RandomDep,
  { projectDir, gitDir, limits, alwaysExcluded }: WorkspaceOptions & { readonly gitDir: string },
): Promise<TreePlaces> {
  const uuid = (): string => random.uuid();
  const user = findUserRepository(projectDir);
  const alone = { git: gitAt({ gitDir, workTree: projectDir, directory: projectDir }), gitDir, limits, uuid };
  const rules = { projectDir, prefix: "", excludeFile: user?.excludeFile ?? null, alwaysExcluded };
  if (user === null || user.workTree === projectDir) return { ...alone, rules };
  const git = gitAt({ gitDir, workTree: user.workTree, directory: projectDir });
  // What is above may ignore the whole project; then its rules say nothing about the files in it.
  if (await isIgnored(git, gitDir)) return { ...alone, rules: { ...rules, excludeFile: null } };
  return { ...alone, git, rules: { ...rules, prefix: prefixOf(user.workTree, projectDir) } };
}

async function isIgnored(git: Git, gitDir: string): Promise<boolean> {
  const env = { GIT_INDEX_FILE: join(gitDir, "index.none") };
  return await git.run(["check-ignore", "--quiet", "--no-index", "."], { env }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof GitFailure) return false;
      throw error;
    },
  );
}

const PERMISSIONS = 0o777;

/** Git keeps of a file's permissions only whether it may be executed. */
function unusualModes(files: readonly ListedFile[]): ReadonlyMap<string, number> {
  const unusual = files.filter(({ mode }) => mode !== 0 && ![0o644, 0o755].includes(mode & PERMISSIONS));
  return new Map(unusual.map(({ path, mode }) => [path, mode & PERMISSIONS]));
}

async function commitTree(
  git: Git,
  { tree, message, at }: { readonly tree: string; readonly message: string; readonly at: number },
): Promise<string> {
  const date = `${Math.floor(at / 1_000)} +0000`;
  const env = {
    GIT_AUTHOR_NAME: "Perdure",
    GIT_AUTHOR_EMAIL: "perdure@localhost",
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: "Perdure",
    GIT_COMMITTER_EMAIL: "perdure@localhost",
    GIT_COMMITTER_DATE: date,
  };
  const commit = (await git.run(["commit-tree", tree], { env, input: message })).toString().trim();
  await git.run(["update-ref", SNAPSHOT_REFS + commit, commit]);
  return commit;
}

async function readSnapshot(git: Git, commit: string): Promise<SnapshotTree> {
  if (!/^[0-9a-f]{40}$/.test(commit)) throw noSnapshot(JSON.stringify(commit));
  const text = await git.run(["cat-file", "commit", commit]).then(
    (output) => output.toString(),
    () => null,
  );
  if (text === null) throw noSnapshot(commit);
  try {
    const [head = "", ...body] = text.split("\n\n");
    const tree = /^tree ([0-9a-f]{40})$/m.exec(head)?.[1] ?? "";
    const message: unknown = JSON.parse(body.join("\n\n"));
    return { tree, entries: await readTree(git, tree), modes: modesIn(message) };
  } catch (cause) {
    throw new PerdureError("store-damaged", {
      message: `Snapshot ${commit} cannot be read`,
      hint: "Restore another checkpoint; nothing was changed.",
      details: { commit },
      cause,
    });
  }
}

function modesIn(message: unknown): ReadonlyMap<string, number> {
  const modes = isJsonObject(message) ? message.modes : null;
  if (!isJsonObject(modes)) return new Map();
  return new Map(
    Object.entries(modes).flatMap(([path, mode]) =>
      typeof mode === "number" ? [[path, mode & PERMISSIONS] as const] : [],
    ),
  );
}

async function presentTree(places: TreePlaces): Promise<SnapshotTree> {
  const { tree, files } = await takeTree(places);
  return { tree, entries: await readTree(places.git, tree), modes: unusualModes(files) };
}

function modeChanges(was: SnapshotTree, is: SnapshotTree): readonly FileChange[] {
  return [...is.entries].flatMap(([path, { kind, object }]) => {
    const before = was.entries.get(path);
    const isSame = before?.kind === kind && before.object === object;
    return isSame && was.modes.get(path) !== is.modes.get(path) ? [{ path, change: "modified" as const }] : [];
  });
}

function withoutRepositories(
  wanted: SnapshotTree,
  repositories: readonly string[],
): { readonly after: SnapshotTree; readonly leftAlone: readonly string[] } {
  const isInside = (path: string): boolean => repositories.some((repository) => path.startsWith(`${repository}/`));
  const entries = new Map([...wanted.entries].filter(([path]) => !isInside(path)));
  return { after: { ...wanted, entries }, leftAlone: [...wanted.entries.keys()].filter(isInside).map(pathText) };
}

async function listSnapshots(git: Git): Promise<readonly { readonly commit: string; readonly at: number }[]> {
  const format = "--format=%(objectname) %(committerdate:unix)";
  const lines = (await git.run(["for-each-ref", format, SNAPSHOT_REFS])).toString().split("\n").filter(Boolean);
  return lines.map((line) => {
    const [commit = "", seconds] = line.split(" ");
    return { commit, at: Number(seconds) * 1_000 };
  });
}

function stillBusy(gitDir: string): PerdureError {
  return new PerdureError("conflict", {
    message: "Another process is busy with a snapshot of the workspace",
    hint: "Wait until it is done, then run the command again.",
    details: { path: gitDir },
  });
}

function noSnapshot(which: string): PerdureError {
  return new PerdureError("not-found", {
    message: `There is no such snapshot of the workspace: ${which}`,
    hint: "`perdure checkpoint list` shows which checkpoints hold one; nothing was changed.",
    details: { snapshot: which },
  });
}

function halfRestored(
  cause: unknown,
  { commit, before }: { readonly commit: string; readonly before: string },
): PerdureError {
  return new PerdureError("conflict", {
    message: `The files could be restored only in part: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: `Put right what is named and restore again. How the files were is kept as snapshot ${before}.`,
    details: { commit, before },
    cause,
  });
}
