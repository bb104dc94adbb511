/** What git says of a directory: its commit, and which files differ from it. Runs git and only reads. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

export interface GitStatus {
  /** `null` before the first commit. */
  readonly commit: string | null;
  /** Paths that differ from the commit, untracked ones among them, relative to the root of the repository. */
  readonly changed: readonly string[];
}

/** A repository that takes longer is not waited for. */
const TIMEOUT_MS = 5_000;
/** More of what git lists is not read. */
const MOST_BYTES = 8 << 20;

/** `null` outside a repository, without git, or when it takes too long. Files of Perdure itself are left out. */
export async function readGitStatus(directory: string): Promise<GitStatus | null> {
  if (!isInRepository(directory)) return null;
  // Without locks, so that a git command of the user's that runs at the same moment is not refused.
  const args = [
    "--no-optional-locks",
    "status",
    "--porcelain=v2",
    "--branch",
    "-z",
    "--untracked-files=normal",
    "--",
    ".",
  ];
  const listed = await run(args, directory);
  return listed === null ? null : parseGitStatus(listed);
}

/** Looked up as git does, which takes a hundredth of the time it takes to start one. */
function isInRepository(directory: string): boolean {
  if (process.env.GIT_DIR !== undefined) return true;
  const ceilings = new Set(process.env.GIT_CEILING_DIRECTORIES?.split(delimiter));
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return true;
    if (at === dirname(at) || ceilings.has(dirname(at))) return false;
  }
}

function run(args: readonly string[], cwd: string): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { cwd, timeout: TIMEOUT_MS, maxBuffer: MOST_BYTES, windowsHide: true, encoding: "utf8" } as const;
    execFile("git", args, options, (error, stdout) => {
      // What was read of a list that is too long is as good as a list: its last entry may be cut off, and is dropped.
      const isCutOff = error !== null && error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER";
      if (isCutOff) resolve(stdout.slice(0, stdout.lastIndexOf("\0") + 1));
      else resolve(error === null ? stdout : null);
    });
  });
}

/** Reads `git status --porcelain=v2 --branch -z`. */
export function parseGitStatus(listed: string): GitStatus {
  let commit: string | null = null;
  const changed: string[] = [];
  const entries = listed.split("\0");
  for (let entry = entries.shift(); entry !== undefined; entry = entries.shift()) {
    const oid = /^# branch\.oid ([0-9a-f]+)$/.exec(entry)?.[1];
    commit = oid ?? commit;
    const path = pathOf(entry);
    // A renamed file's entry is followed by its old path.
    if (entry.startsWith("2 ")) entries.shift();
    if (path !== null && !isOwn(path)) changed.push(path);
  }
  return { commit, changed };
}

/** After how many fields the path comes, by the kind of entry. */
const FIELDS_BEFORE_PATH: Readonly<Record<string, number>> = { "1": 8, "2": 9, u: 10, "?": 1 };

function pathOf(entry: string): string | null {
  const fields = FIELDS_BEFORE_PATH[entry.slice(0, entry.indexOf(" "))];
  return fields === undefined ? null : entry.split(" ").slice(fields).join(" ");
}

function isOwn(path: string): boolean {
  return /(^|\/)\.perdure(\/|$)/.test(path);
}
