/** Ticks completed tasks off in the plan's own file while work goes on. The file is replaced atomically and otherwise left as it is. */

import { randomBytes } from "node:crypto";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";

import type { SessionId } from "../domain/ids.ts";
import { getSession } from "../store/commands/sessions.ts";
import type { TaskPage } from "../store/commands/task-queries.ts";
import { listTasks } from "../store/commands/task-queries.ts";
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
  readonly changed: number;
  /** Files written, relative to the project. */
  readonly files: readonly string[];
}

/** Brings the boxes of a session's plan up to date with what is completed. Does nothing for a plan that has no boxes. */
export async function tickPlan(
  context: Pick<OperationContext, "store" | "projectDir">,
  sessionId: SessionId,
): Promise<TickResult> {
  const session = await context.store.execute(getSession, { sessionId });
  if (session.planFile === null) return { changed: 0, files: [] };
  const { tickBoxes } = await import("../plans/tick.ts");
  let changed = 0;
  const files: string[] = [];
  for (const [file, updates] of await updatesByFile(context, sessionId)) {
    const path = resolve(context.projectDir, file);
    if (extname(path).toLowerCase() !== ".md") continue;
    const ticked = tickBoxes(await readFile(path, "utf8"), updates);
    if (ticked.changed === 0) continue;
    await replaceFile(path, ticked.text);
    changed += ticked.changed;
    files.push(file);
  }
  return { changed, files };
}

type Update = { readonly key: string; readonly done: boolean; readonly line: number };

async function updatesByFile(
  context: Pick<OperationContext, "store">,
  sessionId: SessionId,
): Promise<ReadonlyMap<string, readonly Update[]>> {
  const byFile = new Map<string, Update[]>();
  let after: number | null = null;
  do {
    const page: TaskPage = await context.store.execute(listTasks, {
      sessionId,
      statuses: ["completed"],
      minPriority: null,
      parentId: null,
      search: null,
      after,
      limit: 500,
    });
    for (const { key, source } of page.tasks) {
      if (key === null || source === null) continue;
      byFile.set(source.file, [...(byFile.get(source.file) ?? []), { key, done: true, line: source.line }]);
    }
    after = page.next;
  } while (after !== null);
  return byFile;
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}.perdure-tmp`);
  try {
    const { mode } = await stat(path);
    await writeFile(temporary, text, { mode, flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
