/**
 * What belongs to a snapshot: every file and link in the project that no ignore file leaves out, within the limits. Git
 * finds them, as it would find untracked files, so its rules are the ones users know.
 */

import { existsSync } from "node:fs";
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";

import { PerdureError } from "../base/errors.ts";
import type { Git } from "./git.ts";
import { pathBytes, pathText, splitNul } from "./git.ts";

export interface WorkspaceLimits {
  readonly files: number;
  readonly fileBytes: number;
  readonly totalBytes: number;
}

export interface ListedFile {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** Permission bits; 0 for a link. */
  readonly mode: number;
}

export interface Listing {
  readonly files: readonly ListedFile[];
  /** Git repositories inside the project, which are left alone. */
  readonly repositories: readonly string[];
}

export interface Rules {
  readonly projectDir: string;
  /** Where the project lies in the work tree. */
  readonly prefix: string;
  /** Of the user's repository. */
  readonly excludeFile: string | null;
  /** Besides what the ignore files say, relative to the project. */
  readonly alwaysExcluded: readonly string[];
}

export const IGNORE_FILE = ".perdureignore";

/** Patterns have no limit of their own, but the words of a command line have. */
const MAX_PATTERNS = 1_000;

export async function listPaths(git: Git, gitDir: string, rules: Rules): Promise<readonly string[]> {
  const excludes = [...(await ownPatterns(rules)), ...rules.alwaysExcluded.map((path) => anchored(rules.prefix, path))];
  const args = [
    "ls-files",
    "-z",
    "--others",
    "--exclude-per-directory=.gitignore",
    ...(rules.excludeFile === null ? [] : [`--exclude-from=${rules.excludeFile}`]),
    // The last that matches wins.
    ...[...excludes, ".perdure", ".git"].map((pattern) => `--exclude=${pattern}`),
  ];
  // With an index that is not there, every file is one that git does not know.
  return splitNul(await git.run(args, { env: { GIT_INDEX_FILE: join(gitDir, "index.none") } }));
}

/** The lines of `.perdureignore`, so that they win over any other ignore file. */
async function ownPatterns({ projectDir, prefix }: Rules): Promise<readonly string[]> {
  const path = join(projectDir, IGNORE_FILE);
  if (!existsSync(path)) return [];
  const lines = (await readFile(path, "utf8")).split(/\r?\n/);
  const patterns = lines.map((line) => line.replace(/(?<!\\)\s+$/, "")).filter((line) => !/^(#|$)/.test(line));
  if (patterns.length <= MAX_PATTERNS) return patterns.map((pattern) => placed(prefix, pattern));
  throw new PerdureError("limit-reached", {
    message: `${path} holds ${patterns.length} patterns; at most ${MAX_PATTERNS} are read`,
    hint: "Ignore directories rather than single files.",
    details: { path, limit: MAX_PATTERNS },
  });
}

/** A pattern of a file in the project, as one that stands at the top of the work tree. */
function placed(prefix: string, pattern: string): string {
  const isNegated = pattern.startsWith("!");
  const bare = isNegated ? pattern.slice(1) : pattern;
  const isAnchored = bare.slice(0, -1).includes("/");
  const top = prefix === "" ? "/" : `/${escaped(prefix)}/`;
  const whole = isAnchored ? top + bare.replace(/^\//, "") : prefix === "" ? bare : `${top}**/${bare}`;
  return isNegated ? `!${whole}` : whole;
}

function anchored(prefix: string, path: string): string {
  return `/${prefix === "" ? "" : `${escaped(prefix)}/`}${escaped(path)}`;
}

function escaped(path: string): string {
  return path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
}

/** Looks at each file, and refuses what is over a limit. What has gone in between is left out. */
export async function examine(paths: readonly string[], projectDir: string, limits: WorkspaceLimits): Promise<Listing> {
  const repositories = paths.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1));
  const candidates = paths.filter((path) => !path.endsWith("/"));
  if (candidates.length > limits.files) throw tooMany(candidates, limits.files);
  const files: ListedFile[] = [];
  for (let from = 0; from < candidates.length; from += 256) {
    const batch = candidates.slice(from, from + 256);
    const found = await Promise.all(batch.map((path) => lookAt(projectDir, path)));
    for (const file of found) if (file !== null) files.push(file);
  }
  refuseLarge(files, limits);
  return { files, repositories };
}

export function inProject(projectDir: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${projectDir}/`), pathBytes(path)]);
}

/** `null` when it is neither a file nor a link, or not there. */
export async function lookAt(projectDir: string, path: string): Promise<ListedFile | null> {
  try {
    const found = await lstat(inProject(projectDir, path));
    if (found.isSymbolicLink()) return { path, bytes: found.size, mode: 0 };
    return found.isFile() ? { path, bytes: found.size, mode: found.mode & 0o7777 } : null;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return null;
    throw error;
  }
}

function refuseLarge(files: readonly ListedFile[], limits: WorkspaceLimits): void {
  const tooLarge = files.filter(({ bytes }) => bytes > limits.fileBytes);
  if (tooLarge.length > 0) {
    const what = `${tooLarge.length === 1 ? "a file" : `${tooLarge.length} files`} of more than ${limits.fileBytes} bytes`;
    throw overLimit(what, largest(tooLarge), { limitBytes: limits.fileBytes });
  }
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (totalBytes <= limits.totalBytes) return;
  const what = `${totalBytes} bytes, of which at most ${limits.totalBytes} are taken`;
  throw overLimit(what, largest(files), { totalBytes, limitBytes: limits.totalBytes });
}

function largest(files: readonly ListedFile[]): readonly string[] {
  const first = files.toSorted((one, other) => other.bytes - one.bytes).slice(0, 5);
  return first.map(({ path, bytes }) => `${pathText(path)} (${bytes} bytes)`);
}

function tooMany(paths: readonly string[], limit: number): PerdureError {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const top = path.includes("/") ? `${path.split("/")[0] ?? ""}/` : ".";
    counts.set(top, (counts.get(top) ?? 0) + 1);
  }
  const fullest = [...counts].toSorted(([, one], [, other]) => other - one).slice(0, 5);
  const named = fullest.map(([path, count]) => `${pathText(path)} (${count} files)`);
  return overLimit(`${paths.length} files, of which at most ${limit} are taken`, named, { files: paths.length, limit });
}

function overLimit(what: string, offenders: readonly string[], details: Record<string, unknown>): PerdureError {
  return new PerdureError("limit-reached", {
    message: `The workspace holds ${what}: ${offenders.join(", ")}`,
    hint: `Name what need not be kept in ${IGNORE_FILE} (or .gitignore), or raise checkpoint.workspace in perdure.yaml; nothing was changed.`,
    details: { ...details, largest: offenders },
  });
}
