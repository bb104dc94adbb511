/** Ticks completed tasks off in the plan's own file while work goes on. The file is replaced atomically and otherwise left as it is. */

import { isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import { readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { messageOf } from "../base/errors.ts";
import type { SessionId } from "../domain/ids.ts";
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
  let changed = 0;
  const missing: string[] = [];
  const failed: string[] = [];
  const session = await context.store.execute(getSession, { sessionId });
  if (session.planFile === null) return { changed, missing, failed };
  for (const [file, updates] of await updatesByFile(context, sessionId)) {
    const path = resolve(context.projectDir, file);
    if (!MARKDOWN.test(path)) continue;
    try {
      const boxes = await tickFile(path, updates, isDryRun);
      changed += boxes.changed;
      missing.push(...boxes.missing);
    } catch (error) {
      failed.push(`${file} could not be ticked: ${messageOf(error)}`);
    }
  }
  return { changed, missing, failed };
}

const MARKDOWN = /\.(?:md|markdown|mdx)$/i;

type Update = { readonly key: string; readonly done: boolean; readonly line: number };

async function updatesByFile(
  context: Pick<OperationContext, "store">,
  sessionId: SessionId,
): Promise<ReadonlyMap<string, readonly Update[]>> {
  const byFile = new Map<string, Update[]>();
  for (const { key, source } of await listAllTasks(context, { sessionId, statuses: ["completed"] })) {
    if (key === null || source === null) continue;
    const updates = byFile.get(source.file) ?? [];
    updates.push({ key, done: true, line: source.line });
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
