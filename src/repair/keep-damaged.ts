/** Copies of what a repair replaces, kept until somebody deletes them: `.perdure/damaged/<time>/`. */

import { existsSync } from "node:fs";
import { cp, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";

import type { Millis } from "../base/clock.ts";
import { replaceFile, syncDirectory } from "../base/atomic-file.ts";

export const DAMAGED_DIRECTORY = "damaged";
/** Written last: without it the copies are not complete, and nothing was replaced. */
const REPORT = "report.json";

interface KeepInput {
  readonly perdureDir: string;
  readonly at: Millis;
  /** Files and directories; those that are not there are left out. */
  readonly paths: readonly string[];
  readonly report: unknown;
}

/** Durable when it resolves. Returns where. */
export async function keepDamaged({ perdureDir, at, paths, report }: KeepInput): Promise<string> {
  const directory = join(perdureDir, DAMAGED_DIRECTORY);
  await mkdir(directory, { recursive: true });
  await removeIncomplete(directory);
  const stamp = new Date(at).toISOString().replaceAll(/[:.]/g, "-");
  let target = join(directory, stamp);
  for (let count = 2; existsSync(target); count++) target = join(directory, `${stamp}-${count}`);
  await mkdir(target);
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const inside = relative(perdureDir, path);
    // The store may lie elsewhere.
    const copy = join(target, inside.startsWith("..") ? basename(path) : inside);
    await cp(path, copy, { recursive: true });
    await syncTree(copy);
  }
  await replaceFile(join(target, REPORT), `${JSON.stringify(report, null, 2)}\n`);
  await syncDirectory(directory);
  return target;
}

/** Complete ones. */
export async function listDamaged(perdureDir: string): Promise<readonly string[]> {
  const directory = join(perdureDir, DAMAGED_DIRECTORY);
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => existsSync(join(directory, name, REPORT))).map((name) => join(directory, name));
}

/** What a repair that was killed had begun to copy: the originals were still in their places then. */
async function removeIncomplete(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!existsSync(join(directory, name, REPORT))) await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function syncTree(path: string): Promise<void> {
  if ((await stat(path)).isDirectory()) {
    for (const name of await readdir(path)) await syncTree(join(path, name));
    await syncDirectory(path);
    return;
  }
  const file = await open(path, process.platform === "win32" ? "r+" : "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
