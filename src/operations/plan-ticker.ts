/** Ticks completed tasks off in the plan's own file while work goes on. The file is replaced atomically and otherwise left as it is. */

import { isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import { readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { messageOf } from "../base/errors.ts";
import type { SessionId } from "../domain/ids.ts";
import type { Task } from "../domain/task.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { listAllTasks } from "./all-tasks.ts";
import type { OperationContext } from "./operation.ts";

export interface PlanTicker {
  /** Soon, and once for many calls. */
  tickSoon(): void;
  /** Ticks what is left; resolves when the file is written. */
  finish(): Promise<void>;
}

/** At most this often the file is written while tasks complete. */
const INTERVAL_MS = 500;

export function createPlanTicker(context: OperationContext, sessionId: SessionId): PlanTicker {
  let cancelTimer: (() => void) | null = null;
  let writing: Promise<unknown> = Promise.resolve();
  const tick = (): Promise<unknown> => {
    cancelTimer = null;
    // A plan that cannot be ticked (moved, read-only) is no reason to stop the work; `import --sync` mends it.
    writing = writing.then(() => tickPlan(context, sessionId)).catch(() => {});
    return writing;
  };
  return {
    tickSoon() {
      cancelTimer ??= context.clock.setTimer(INTERVAL_MS, () => void tick());
    },
    async finish() {
      cancelTimer?.();
      await tick();
    },
  };
}

export interface TickResult {
  /** How many boxes were ticked. */
  readonly changed: number;
  /** Keys of completed tasks that the files have no box for: headings, and what was edited away. */
  readonly missing: readonly string[];
  /** Files that could not be ticked, each with why. */
  readonly failed: readonly string[];
}

export interface TickOptions {
  /** Say what would be ticked and write nothing. */
  readonly isDryRun?: boolean;
}

/** Brings the boxes of a session's plan up to date with what is completed. Does nothing for a plan that has no boxes. */
export async function tickPlan(
  context: Pick<OperationContext, "store" | "projectDir">,
  sessionId: SessionId,
  { isDryRun = false }: TickOptions = {},
): Promise<TickResult> {
  const session = await context.store.execute(getSession, { sessionId });
  const completed =
    session.planFile === null ? [] : await listAllTasks(context, { sessionId, statuses: ["completed"] });
  return await tickFiles(context, { byFile: updatesByFile(completed, true), isDryRun });
}

/** Takes the ticks off the boxes of tasks that are open again. */
export async function untickTasks(
  context: Pick<OperationContext, "projectDir">,
  tasks: readonly Task[],
): Promise<TickResult> {
  return await tickFiles(context, { byFile: updatesByFile(tasks, false), isDryRun: false });
}

interface FileUpdates {
  readonly byFile: ReadonlyMap<string, readonly Update[]>;
  readonly isDryRun: boolean;
}

async function tickFiles(
  { projectDir }: Pick<OperationContext, "projectDir">,
  { byFile, isDryRun }: FileUpdates,
): Promise<TickResult> {
  let changed = 0;
  const missing: string[] = [];
  const failed: string[] = [];
  for (const [file, updates] of byFile) {
    const path = resolve(projectDir, file);
    if (!isMarkdown(path)) continue;
    try {
      const boxes = await tickFile(path, updates, isDryRun);
      changed += boxes.changed;
      missing.push(...boxes.missing);
    } catch (error) {
      failed.push(`${file} could not be changed: ${messageOf(error)}`);
    }
  }
  return { changed, missing, failed };
}

/** Whether a plan of that name has boxes. */
export function isMarkdown(path: string): boolean {
  return /\.(?:md|markdown|mdx)$/i.test(path);
}

type Update = { readonly key: string; readonly done: boolean; readonly line: number };

function updatesByFile(tasks: readonly Task[], done: boolean): ReadonlyMap<string, readonly Update[]> {
  const byFile = new Map<string, Update[]>();
  for (const { key, source } of tasks) {
    if (key === null || source === null) continue;
    const updates = byFile.get(source.file) ?? [];
    updates.push({ key, done, line: source.line });
    byFile.set(source.file, updates);
  }
  return byFile;
}

async function tickFile(
  path: string,
  updates: readonly Update[],
  isDryRun: boolean,
): Promise<Pick<TickResult, "changed" | "missing">> {
  const { tickBoxes } = await import("../plans/tick.ts");
  // Through a link, so that the file is replaced and not the link.
  const file = await realpath(path);
  for (let attempt = 1; ; attempt++) {
    const before = await stat(file);
    const bytes = await readFile(file);
    if (!isUtf8(bytes)) throw new Error("it is not UTF-8 text");
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    const { text: after, changed, missing } = tickBoxes(text, updates);
    if (isDryRun || changed === 0) return { changed, missing };
    // Somebody edited it while it was read: their version is what is ticked.
    if (attempt < MAX_ATTEMPTS && (await stat(file)).mtimeMs !== before.mtimeMs) continue;
    await replaceFile(file, { text: after, mode: before.mode });
    return { changed, missing };
  }
}

const MAX_ATTEMPTS = 5;

async function replaceFile(
  path: string,
  { text, mode }: { readonly text: string; readonly mode: number },
): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}.perdure-tmp`);
  try {
    await writeFile(temporary, text, { mode, flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
