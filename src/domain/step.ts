/** A step: a named, recorded operation inside an execution. Its steps in order are the journal. */

import type { Millis } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import type { ExecutionId, TaskId } from "./ids.ts";
import type { StateMachine } from "./state-machine.ts";
import type { TaskError } from "./task.ts";

export const STEP_STATUSES = ["started", "completed", "failed", "unknown"] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

/** `repeatable` may run again when its outcome was not recorded; `once` may not, unless someone finds out (INV-8). */
export type StepEffect = "repeatable" | "once";

/** What a step does, and for those that wait, what ends the wait. */
export type StepKind =
  | { readonly type: "run" }
  | { readonly type: "sleep"; readonly wakeAt: Millis }
  | { readonly type: "signal"; readonly signal: string; readonly expiresAt: Millis | null }
  | { readonly type: "approval"; readonly question: string; readonly signal: string }
  | { readonly type: "children"; readonly taskIds: readonly TaskId[] };

export interface Step {
  readonly executionId: ExecutionId;
  /** From 0, in the order the code asked. */
  readonly position: number;
  /** With its index when the name repeats: `fetch`, `fetch#2`. */
  readonly name: string;
  readonly kind: StepKind;
  readonly status: StepStatus;
  readonly effect: StepEffect;
  /** Asked for while another step was in flight, so its position may differ from run to run. */
  readonly isConcurrent: boolean;
  /** A failure the code went on past: replayed as it was, while any other failure is tried again by the next attempt. */
  readonly isHandled: boolean;
  readonly attempt: number;
  readonly result: Json;
  readonly error: TaskError | null;
  readonly startedAt: Millis;
  readonly endedAt: Millis | null;
}

export type StepVerb = "complete" | "fail" | "lose_track" | "retry";

export const stepMachine: StateMachine<StepStatus, StepVerb> = {
  noun: "step",
  transitions: {
    /** From `failed` when a later attempt ran it again: its start is recorded apart only for `once` effects. */
    complete: { from: ["started", "unknown", "failed"], to: "completed" },
    fail: { from: ["started", "unknown", "failed"], to: "failed" },
    /** The process died between the effect and its record. */
    lose_track: { from: ["started"], to: "unknown" },
    retry: { from: ["failed", "unknown"], to: "started" },
  },
};
