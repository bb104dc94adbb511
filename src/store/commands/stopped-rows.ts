/**
 * What ran at a checkpoint does not run when it is restored or forked: its execution waits at the step it had reached,
 * its task is ready, as when a worker is lost. Pure; with this and a new fence, a restored row equals the one that was.
 */

import type { Millis } from "../../base/clock.ts";
import type { Row } from "../command.ts";
import { INTERRUPTED } from "./workers.ts";

export function stoppedExecution(execution: Row, now: Millis): Row {
  if (execution.status !== "running") return execution;
  return { ...execution, status: "interrupted", worker_id: null, interrupt_requested: 0, updated_at: now };
}

/** `execution` is the task's as it was before `stoppedExecution`; one that somebody had asked to stop has stopped. */
export function stoppedTask(task: Row, execution: Row | undefined, now: Millis): Row {
  if (task.status !== "in_progress") return task;
  const state = execution?.interrupt_requested === 1 ? INTERRUPTED : { status: "pending" };
  return { ...task, ...state, updated_at: now };
}
