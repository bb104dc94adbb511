/** Directories for the databases that are measured: on the disk of this checkout, because a temporary directory may be memory. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../.tmp");

export function scratchRoot(): string {
  mkdirSync(ROOT, { recursive: true });
  return ROOT;
}

/** Calls `use` with an empty directory that is gone afterwards. */
export async function withScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(scratchRoot(), "b-"));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function removeScratch(): void {
  rmSync(ROOT, { recursive: true, force: true });
}
