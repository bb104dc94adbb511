/** Files that are rendered from the store: which of them are damaged. A missing one is written by the next that works. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

/** Of `.perdure`, those whose whole content the store tells at any time. */
export const RENDERED_FILES = [join("tasks", "current.json"), "memory.json"] as const;

/** The paths of those that cannot be read. */
export async function damagedStateFiles(perdureDir: string): Promise<readonly string[]> {
  const plain = RENDERED_FILES.map((name) => join(perdureDir, name));
  const history = join(perdureDir, "tasks", "history");
  const names = await readdir(history).catch(() => []);
  const files = [...plain, ...names.filter((name) => name.endsWith(".json.gz")).map((name) => join(history, name))];
  return await unreadableOf(files);
}

/** Those of the files, each of JSON, that are there and cannot be read. */
export async function unreadableOf(files: readonly string[]): Promise<readonly string[]> {
  const damaged: string[] = [];
  for (const file of files) if (!(await isSound(file))) damaged.push(file);
  return damaged;
}

/** Of the rendered files that are there and can be read, those that say something else than `rendered`, a directory like it. */
export async function differingFiles(perdureDir: string, rendered: string): Promise<readonly string[]> {
  const differing: string[] = [];
  for (const name of RENDERED_FILES) {
    const path = join(perdureDir, name);
    const [present, wanted] = await Promise.all([readOrNull(path), readOrNull(join(rendered, name))]);
    if (present !== null && wanted !== null && !present.equals(wanted)) differing.push(path);
  }
  return differing;
}

async function readOrNull(path: string): Promise<Buffer | null> {
  return await readFile(path).catch(() => null);
}

async function isSound(path: string): Promise<boolean> {
  try {
    const bytes = await readFile(path);
    JSON.parse((path.endsWith(".gz") ? await promisify(gunzip)(bytes) : bytes).toString());
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT";
  }
}
