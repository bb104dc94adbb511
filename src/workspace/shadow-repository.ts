/**
 * The shadow repository: where it lies, what is in it before the first snapshot, and the user's repository around the
 * project, of which only the ignore rules are read. A snapshot is a commit without parents, kept by a reference of its own.
 */

import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";

/** Bytes are taken as they are, whatever the attributes in the work tree say: these have the last word. */
const ATTRIBUTES = "* -text -crlf !eol -ident !filter !working-tree-encoding !diff !merge\n";

const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = ${process.platform !== "win32"}
	symlinks = true
	bare = false
	ignorecase = ${process.platform === "win32" || process.platform === "darwin"}
	precomposeunicode = ${process.platform === "darwin"}
	logallrefupdates = false
`;

/** References under which snapshots are kept. */
export const SNAPSHOT_REFS = "refs/snapshots/";

/** Makes it where it is missing, and puts right what steers git in it. Run under the lock. */
export async function ensureShadow(gitDir: string): Promise<void> {
  for (const directory of ["objects/info", "objects/pack", "refs/heads", "refs/snapshots", "info"]) {
    await mkdir(join(gitDir, directory), { recursive: true });
  }
  await ensureFile(join(gitDir, "config"), CONFIG);
  await ensureFile(join(gitDir, "info", "attributes"), ATTRIBUTES);
  await ensureFile(join(gitDir, "info", "exclude"), "");
  await ensureFile(join(gitDir, "HEAD"), "ref: refs/heads/none\n");
  await removeLeftovers(gitDir);
}

async function ensureFile(path: string, text: string): Promise<void> {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  await writeFile(`${path}.new`, text, { flush: true });
  await rename(`${path}.new`, path);
}

/** What a killed process left. It is nobody's now: whoever may write here holds the lock. */
async function removeLeftovers(gitDir: string): Promise<void> {
  const isLeft = (name: string): boolean => name.endsWith(".lock") || name.startsWith("index.") || name === "gc.pid";
  for (const directory of [gitDir, join(gitDir, "refs", "snapshots")]) {
    for (const name of await readdir(directory)) if (isLeft(name)) await rm(join(directory, name), { force: true });
  }
}

/** The index git works on, a copy of the last one, so that a git that outlived its Perdure writes to a file of its own. */
export async function copyIndex(gitDir: string, name: string): Promise<string> {
  const [source, copy] = [join(gitDir, "index"), join(gitDir, `index.${name}`)];
  const { copyFile, utimes } = await import("node:fs/promises");
  try {
    const { mtimeMs } = await stat(source);
    await copyFile(source, copy);
    // Git looks again at files as new as its index. Rounded down, it looks at more of them, never at fewer.
    const seconds = Math.floor(mtimeMs / 1_000);
    await utimes(copy, seconds, seconds);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  return copy;
}

/** The index only spares git reading files again: the next snapshot takes it up. */
export async function keepIndex(gitDir: string, copy: string): Promise<void> {
  // Git writes none when there is nothing to put into it.
  if (existsSync(copy)) await rename(copy, join(gitDir, "index"));
}

export interface UserRepository {
  /** The top of its work tree: the project's directory, or one above it. */
  readonly workTree: string;
  /** Its `info/exclude`; `null` without one. */
  readonly excludeFile: string | null;
}

/** The git repository the project lies in, told without running git in it; `null` when there is none. */
export function findUserRepository(projectDir: string): UserRepository | null {
  for (let directory = resolve(projectDir); ; directory = dirname(directory)) {
    const gitDir = gitDirAt(directory);
    if (gitDir !== null) {
      const exclude = join(commonDirOf(gitDir), "info", "exclude");
      return { workTree: directory, excludeFile: existsSync(exclude) ? exclude : null };
    }
    if (directory === dirname(directory)) return null;
  }
}

function gitDirAt(directory: string): string | null {
  const path = join(directory, ".git");
  if (existsSync(join(path, "HEAD"))) return path;
  const text = readIfFile(path);
  const target = text === null ? null : (/^gitdir: (.+)$/m.exec(text)?.[1] ?? null);
  return target === null ? null : resolve(directory, target);
}

/** Work trees made by `git worktree` keep their `info/` in the repository they belong to. */
function commonDirOf(gitDir: string): string {
  const common = readIfFile(join(gitDir, "commondir"))?.trim();
  if (common === undefined || common === "") return gitDir;
  return isAbsolute(common) ? common : join(gitDir, common);
}

function readIfFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not there, or a directory: either way it says nothing.
    return null;
  }
}

/** Where the project lies in the work tree, with `/` and without an end; empty at its top. */
export function prefixOf(workTree: string, projectDir: string): string {
  return relative(workTree, projectDir).replaceAll("\\", "/");
}
