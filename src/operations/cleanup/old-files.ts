/** Files beside the store that nothing reads any more: histories of sessions that are gone, damaged files set aside. */

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Millis } from "../../base/clock.ts";
import { isPerdureError } from "../../base/errors.ts";
import { resolveSession } from "../../store/commands/task-queries.ts";
import type { OperationContext } from "../operation.ts";

const HISTORY_DIRECTORY = join(".perdure", "tasks", "history");
const DAMAGED_DIRECTORY = join(".perdure", "damaged");

export interface OldFile {
  /** Relative to the project. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Younger ones may be of a session that is being written. */
const SETTLED_MS = 3_600_000;

export async function findOrphanedHistories(context: OperationContext): Promise<readonly OldFile[]> {
  const orphans: OldFile[] = [];
  for (const file of await filesIn(context, HISTORY_DIRECTORY, context.clock.now() - SETTLED_MS)) {
    const [, sessionId] = /([0-9a-f]{8}-[0-9a-f-]{27})\.json\.gz$/.exec(file.path) ?? [];
    if (sessionId !== undefined && !(await isThere(context, sessionId))) orphans.push(file);
  }
  return orphans;
}

async function isThere({ store }: OperationContext, reference: string): Promise<boolean> {
  try {
    await store.execute(resolveSession, { reference });
    return true;
  } catch (error) {
    if (isPerdureError(error, "not-found")) return false;
    throw error;
  }
}

export function findOldDamaged(context: OperationContext): Promise<readonly OldFile[]> {
  return filesIn(context, DAMAGED_DIRECTORY, context.clock.now() - context.config.retention.damagedMs);
}

export async function removeFile({ projectDir }: OperationContext, { path }: OldFile): Promise<void> {
  await rm(join(projectDir, path), { force: true, recursive: true });
}

/** Those last written before an instant. */
async function filesIn(
  { projectDir }: OperationContext,
  directory: string,
  before: Millis,
): Promise<readonly OldFile[]> {
  const files: OldFile[] = [];
  for (const name of await namesIn(join(projectDir, directory))) {
    const found = await stat(join(projectDir, directory, name)).catch(() => null);
    if (found !== null && found.mtimeMs < before) files.push({ path: join(directory, name), sizeBytes: found.size });
  }
  return files;
}

/** In order; none where there is no such directory. */
async function namesIn(directory: string): Promise<readonly string[]> {
  return (await readdir(directory).catch(() => [])).toSorted();
}
