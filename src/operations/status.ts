/** Where a session stands. */

import * as v from "valibot";

import { BLOCKED_REASONS } from "../domain/task.ts";
import type { RunningTask, TaskLine } from "../store/commands/session-overview.ts";
import { getSessionOverview } from "../store/commands/session-overview.ts";
import { heldBackSchema, heldBackToJson } from "./held-back.ts";
import { countsSchema, countsToJson } from "./json/counts.ts";
import { progressSchema, progressToJson } from "./json/progress.ts";
import { toDueIso, toIso } from "./json/times.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

const line = {
  taskId: v.string(),
  key: v.nullable(v.string()),
  title: v.string(),
  executor: v.string(),
  priority: v.number(),
  /** `null` for one that waits for someone without a time limit. */
  runAt: v.nullable(v.string()),
};

export const status = defineOperation({
  name: "status",
  summary: "Shows where a session stands: counts, progress, ETA, what runs, what is next, what is blocked.",
  input: v.object({
    /** An id, the beginning of one, or a name; without it the newest unfinished session, else the newest. */
    session: v.optional(v.nullable(v.string()), null),
    /** Most lines of each list. */
    lines: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 10),
  }),
  output: v.object({
    session: v.object({ id: v.string(), name: v.string(), status: v.string() }),
    counts: countsSchema,
    progress: progressSchema,
    running: v.array(
      v.object({
        ...line,
        executionId: v.string(),
        attempt: v.number(),
        startedAt: v.string(),
        step: v.nullable(v.string()),
        percent: v.number(),
        message: v.nullable(v.string()),
        /** Why it does not really run: nobody is there to go on with it until it is resumed or taken over. */
        stopped: v.nullable(v.picklist(["process_gone", "lease_over"])),
      }),
    ),
    next: v.array(v.object({ ...line, heldBack: heldBackSchema })),
    blocked: v.array(v.object({ ...line, reason: v.picklist(BLOCKED_REASONS), note: v.nullable(v.string()) })),
    failed: v.array(v.object({ ...line, error: v.nullable(v.string()) })),
  }),
  async run(context, input) {
    const sessionId = await findSessionId(context, input.session);
    const concurrency = context.config.worker.concurrency;
    const overview = await context.store.execute(getSessionOverview, { sessionId, lines: input.lines, concurrency });
    const { session, counts } = overview;
    return {
      session: { id: session.id, name: session.name, status: session.status },
      counts: countsToJson(counts),
      progress: progressToJson(overview.progress),
      running: overview.running.map((task) => ({
        ...lineToJson(task),
        executionId: task.executionId,
        attempt: task.attempt,
        startedAt: toIso(task.startedAt),
        step: task.step,
        percent: task.percent,
        message: task.message,
        stopped: whyStopped(context, task),
      })),
      next: overview.next.map((task) => ({ ...lineToJson(task), heldBack: heldBackToJson(task.heldBack) })),
      blocked: overview.blocked.map((task) => ({ ...lineToJson(task), reason: task.reason, note: task.note })),
      failed: overview.failed.map((task) => ({ ...lineToJson(task), error: task.error })),
    };
  },
});

/** The host is asked only about processes that should be running on it. */
function whyStopped(
  context: Pick<OperationContext, "clock" | "host">,
  { holder }: Pick<RunningTask, "holder">,
): "process_gone" | "lease_over" | null {
  if (holder === null) return "process_gone";
  const { pid, host, startToken, leaseExpiresAt } = holder;
  if (pid !== null && host === context.host.id && context.host.startTokenOf(pid) !== startToken) return "process_gone";
  return leaseExpiresAt <= context.clock.now() ? "lease_over" : null;
}

function lineToJson({ taskId, key, title, executor, priority, runAt }: TaskLine) {
  return { taskId, key, title, executor, priority, runAt: toDueIso(runAt) };
}
