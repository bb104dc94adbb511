/** `get_task_status` */

import * as v from "valibot";

import { waitForTask } from "../../operations/task-wait.ts";
import { ANSWER_LIMITS } from "../answer-limits.ts";
import type { McpCall } from "../surface.ts";
import { showTask, statusWords, taskStatusSchema, toTaskStatus } from "../task-status.ts";
import { answer, defineTool, READS } from "../tool.ts";
import { taskId } from "./task-arguments.ts";

export const getTaskStatus = defineTool({
  name: "get_task_status",
  description:
    "Tells where a task stands: status, progress, what it waits for, result or error, artifacts. With wait_seconds it waits for its end first.",
  annotations: READS,
  input: v.strictObject({
    task_id: taskId,
    wait_seconds: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(ANSWER_LIMITS.waitSeconds)), 0),
  }),
  output: taskStatusSchema,
  async run(context, { task_id, wait_seconds }, call) {
    const found = await showTask(context, task_id);
    if (wait_seconds > 0) {
      const timeoutMs = wait_seconds * 1_000;
      await waitForTask(context, { taskId: found.id, timeoutMs, signal: call.signal, onChange: reportTo(call) });
    }
    const task = wait_seconds > 0 ? await showTask(context, found.id) : found;
    const status = await toTaskStatus(task);
    return answer(status, statusWords(task, status));
  },
});

/** Progress that only grows, as the protocol asks: a retry begins anew where the client has seen more. */
export function reportTo(call: McpCall): NonNullable<Parameters<typeof waitForTask>[1]["onChange"]> {
  let told = -1;
  let said: string | null = null;
  return ({ progress, status }) => {
    const message = progress.message ?? status;
    if (progress.percent <= told && message === said) return;
    // Where only the message is new, the smallest step forward that can be told.
    told = progress.percent > told ? progress.percent : told + SMALLEST_STEP;
    said = message;
    // A client that is gone is told by the signal.
    void call.progress({ progress: told, total: 100, message }).catch(() => {});
  };
}

const SMALLEST_STEP = 0.001;
