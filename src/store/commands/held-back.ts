/** What limits and labels hold back, and what holds places: a task that is due does not start for want of a place, or of a worker with its labels. */

import type { Millis } from "../../base/clock.ts";
import type { ExecutionId, TaskId, WorkerId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { hasAllLabels, textToLabels } from "../../domain/labels.ts";
import type { AppliedLimit } from "../../domain/task-limit.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import type { LimitBook } from "./limit-places.ts";
import { limitsOfRow, openLimitBook, placesUnder } from "./limit-places.ts";
import { taskRow } from "./task-rows.ts";
import type { WorkerRecord } from "./workers.ts";
import { listWorkers } from "./workers.ts";

export type HeldBack =
  | {
      readonly reason: "limit";
      readonly limit: AppliedLimit;
      readonly running: number;
      /** When it may start; `null` when a task that runs has to end first. */
      readonly opensAt: Millis | null;
    }
  | { readonly reason: "no_worker"; readonly labels: readonly string[] };

/** What is known of limits and workers, looked up once for several tasks. */
export interface HeldBackBook {
  readonly limits: LimitBook;
  readonly workers: readonly WorkerRecord[];
}

export function* openHeldBackBook(context: CommandContext): Command<HeldBackBook> {
  return { limits: yield* openLimitBook(context), workers: yield* listWorkers.perform(context, null) };
}

/** `null` when nothing holds the task back but that nobody has come to it, or it is not due, or its session is not active. */
export function* heldBackBy(context: CommandContext, book: HeldBackBook, task: Row): Command<HeldBack | null> {
  if (task.status !== "pending" || task.held !== 0 || integer(task.run_at) > context.now) return null;
  const labels = textToLabels(textOrNull(task.labels));
  const canRun = ({ isByHand, leaseExpiresAt, executors, labels: offered }: WorkerRecord): boolean =>
    !isByHand &&
    leaseExpiresAt > context.now &&
    executors.includes(text(task.executor)) &&
    hasAllLabels(new Set(offered), labels);
  if (labels.length > 0 && !book.workers.some(canRun)) return { reason: "no_worker", labels };
  for (const limit of limitsOfRow(book.limits, task)) {
    const { left, running, opensAt } = yield* placesUnder(context, book.limits, limit);
    if (left === 0) return { reason: "limit", limit, running, opensAt };
  }
  return null;
}

export const findHeldBack = defineRead(
  "find-held-back",
  function* (context, input: { readonly taskId: TaskId }): Command<HeldBack | null> {
    return yield* heldBackBy(context, yield* openHeldBackBook(context), yield* taskRow(context, input.taskId));
  },
);

export interface HeldByWorker {
  readonly executionId: ExecutionId;
  readonly executor: string;
}

/** Executions that these workers hold, of tasks that some limit is on. */
export const listLimitedHeldBy = defineRead(
  "list-limited-held-by",
  function* (context, input: { readonly workers: readonly WorkerId[] }): Command<readonly HeldByWorker[]> {
    const book = yield* openLimitBook(context);
    const sql = `select e.id as execution_id, t.executor as executor, t.labels as labels, t.limit_key as limit_key
      from executions e join tasks t on t.project_id = e.project_id and t.id = e.task_id
      where e.project_id = ? and e.worker_id = ? and e.status = 'running' order by e.seq`;
    const held: HeldByWorker[] = [];
    for (const worker of input.workers) {
      for (const row of yield* rows(sql, context.projectId, worker)) {
        if (limitsOfRow(book, row).length === 0) continue;
        held.push({ executionId: asId(text(row.execution_id)), executor: text(row.executor) });
      }
    }
    return held;
  },
);
