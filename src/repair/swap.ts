/**
 * Putting what was repaired in the place of what was damaged. What is to be done is written down first; from then on
 * whoever opens the project or repairs it finishes it, and it may be cut off anywhere.
 */

import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { replaceFile, syncDirectory } from "../base/atomic-file.ts";

/** Below `.perdure`, where a repair works; whatever is in it without a swap is of no use to anyone. */
export const REPAIR_DIRECTORY = "repair";

export interface Replacement {
  /** What takes the place; once it is gone, it has taken it. */
  readonly by: string;
  readonly path: string;
  /** What goes with what was there. */
  readonly alsoRemove: readonly string[];
}

interface Swap {
  readonly replacements: readonly Replacement[];
}

/** What a project whose swap is pending has; asked for at every opening. */
export function swapFile(perdureDir: string): string {
  return join(perdureDir, REPAIR_DIRECTORY, "swap.json");
}

/** Everything named `by` must be durable by now. */
export async function beginSwap(perdureDir: string, replacements: readonly Replacement[]): Promise<void> {
  await replaceFile(swapFile(perdureDir), `${JSON.stringify({ replacements } satisfies Swap)}\n`);
}

/** Whether there was one to finish. Only while nobody uses the store. */
export async function finishSwap(perdureDir: string): Promise<boolean> {
  const file = swapFile(perdureDir);
  if (!existsSync(file)) return false;
  const { replacements } = JSON.parse(readFileSync(file, "utf8")) as Swap;
  for (const replacement of replacements) await replace(replacement);
  await rm(file, { force: true });
  await syncDirectory(dirname(file));
  await rm(dirname(file), { recursive: true, force: true });
  return true;
}

async function replace({ by, path, alsoRemove }: Replacement): Promise<void> {
  if (!existsSync(by)) return;
  for (const other of alsoRemove) await rm(other, { force: true });
  await rm(path, { recursive: true, force: true });
  await mkdir(dirname(path), { recursive: true });
  await rename(by, path);
  await syncDirectory(dirname(path));
  await syncDirectory(dirname(by));
}

/** Makes a file durable that something else wrote. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
