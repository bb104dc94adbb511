/** What an executor is given: the one handle through which a task's code does anything durable. */

import type { ExecutionId, TaskId } from "../domain/ids.ts";
import type { Task } from "../domain/task.ts";
import type { TaskLimitInput } from "./task-limit-input.ts";

export interface StepOptions<T> {
  /** `once` when running it twice would do harm: its start is recorded first, and an unknown outcome is never repeated silently (INV-8). Default `repeatable`. */
  readonly effect?: "repeatable" | "once";
  /** Finds out whether an effect whose outcome was not recorded took place. Without it the task blocks until someone decides. */
  readonly verify?: (context: StepContext) => Promise<StepVerdict<T>> | StepVerdict<T>;
  /** Fails the step after this long. A number is milliseconds; text is such as `30s`. */
  readonly timeout?: number | string;
}

export type StepVerdict<T> = { readonly done: true; readonly result: T } | { readonly done: false };

export interface StepContext {
  /** The same on every attempt of this step; hand it to external services that accept an idempotency key. */
  readonly idempotencyKey: string;
  /** Aborted when the run must stop: cancelled, timed out, or its lease lost. */
  readonly signal: AbortSignal;
}

export interface ProgressUpdate {
  /** 0–100. Omitted: derived from `currentStep` or the completed steps of the journal, and `totalSteps`. */
  readonly percent?: number;
  readonly currentStep?: number;
  /** How many steps this execution will have. */
  readonly totalSteps?: number;
  readonly message?: string;
  /** Names the milestones to come, in order. */
  readonly milestones?: readonly string[];
  /** Marks one as reached; one not named before is added. */
  readonly milestone?: string;
}

export interface ArtifactInput {
  readonly name: string;
  readonly mediaType?: string;
  /** Text or bytes, or the path of a file which is moved into the store. */
  readonly content: string | Uint8Array | { readonly movedFrom: string };
}

/** What became of an approval. */
export interface ApprovalAnswer {
  readonly approved: boolean;
  readonly by: string;
  readonly comment: string | null;
}

/** A task created by a running one, which becomes its parent. */
export interface ChildTaskInput {
  readonly title: string;
  /** An executor's name. */
  readonly executor: string;
  readonly input?: unknown;
  readonly description?: string;
  readonly priority?: number;
  readonly weight?: number;
  readonly maxRetries?: number;
  readonly timeout?: number | string;
  /** A worker must have all of them to run it. */
  readonly labels?: readonly string[];
  /** What it shares with other tasks of the same key; a text is the key, and then one runs at a time. */
  readonly limit?: string | TaskLimitInput;
}

export interface Run {
  readonly task: Task;
  readonly taskId: TaskId;
  readonly executionId: ExecutionId;
  /** From 1. */
  readonly attempt: number;
  /** The same on every attempt of this execution. */
  readonly idempotencyKey: string;
  /** Aborted when the run must stop; its reason is a `StopReason`. */
  readonly signal: AbortSignal;
  /**
   * Runs `perform` and records its result; on any later run of this execution returns the record without running it (INV-2).
   *
   * @throws PerdureError `journal-mismatch` when the code asks for another step than it did before at this position.
   */
  step<T>(name: string, perform: (context: StepContext) => T | Promise<T>, options?: StepOptions<T>): Promise<T>;
  /** Sleeps durably: a long sleep frees the worker and outlives the process. A number is milliseconds. */
  sleep(duration: number | string): Promise<void>;
  /** Waits for a signal sent to this task and returns its payload; `null` after `timeout`. */
  waitFor(signal: string, options?: { readonly timeout?: number | string }): Promise<unknown>;
  /** Asks a person and waits for the answer. */
  approval(question: string): Promise<ApprovalAnswer>;
  /** Creates a task below this one and waits for its result. @throws Error when the child fails or is cancelled. */
  child(task: ChildTaskInput): Promise<unknown>;
  /** Creates tasks below this one and waits for all; their results in the same order. */
  children(tasks: readonly ChildTaskInput[]): Promise<readonly unknown[]>;
  /** The result of a task this one needs, by its key or id. @throws PerdureError `not-found` for a task it does not need. */
  resultOf(task: string): Promise<unknown>;
  /** Reports progress; coalesced to at most four writes a second. */
  progress(update: ProgressUpdate): void;
  artifact(artifact: ArtifactInput): Promise<void>;
  /** A line for the task's record in the change log. */
  log(message: string): Promise<void>;
}

/** Why a run is told to stop. */
export type StopReason = "interrupted" | "cancelled" | "timed-out" | "lease-lost" | "stopping";
