/** An execution: one durable run of a task. It outlives crashes, retries and interrupts. */

import type { Millis } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import type { ExecutionId, SessionId, TaskId, WorkerId } from "./ids.ts";
import type { ReportedProgress } from "./progress.ts";
import type { StateMachine } from "./state-machine.ts";
import type { TaskError } from "./task.ts";

export const EXECUTION_STATUSES = ["running", "suspended", "interrupted", "completed", "failed"] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

export interface Execution {
  readonly id: ExecutionId;
  readonly sessionId: SessionId;
  readonly taskId: TaskId;
  readonly kind: string;
  readonly status: ExecutionStatus;
  /** From 1; a retry is a new attempt, a takeover is not. */
  readonly attempt: number;
  readonly retryCount: number;
  /** The fencing token: grows with every claim, and a write that carries an older one changes nothing (INV-3). */
  readonly fence: number;
  readonly workerId: WorkerId | null;
  /** The instant this occurrence was scheduled for; `null` for a task that does not recur. */
  readonly scheduledFor: Millis | null;
  readonly isInterruptRequested: boolean;
  readonly result: Json;
  readonly error: TaskError | null;
  readonly progress: ReportedProgress | null;
  readonly startedAt: Millis;
  readonly updatedAt: Millis;
  readonly endedAt: Millis | null;
}

export type ExecutionVerb = "claim" | "suspend" | "interrupt" | "reopen" | "complete" | "fail";

export const executionMachine: StateMachine<ExecutionStatus, ExecutionVerb> = {
  noun: "execution",
  transitions: {
    claim: { from: ["suspended", "interrupted"], to: "running" },
    suspend: { from: ["running"], to: "suspended" },
    interrupt: { from: ["running", "suspended"], to: "interrupted" },
    /** A person retries its task: it waits to be claimed for a new attempt. */
    reopen: { from: ["failed"], to: "interrupted" },
    complete: { from: ["running", "suspended", "interrupted", "failed"], to: "completed" },
    fail: { from: ["running", "suspended", "interrupted"], to: "failed" },
  },
};
