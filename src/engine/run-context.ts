/** What the parts of one run share. */

import type { ClockDep } from "../base/clock.ts";
import type { RandomDep } from "../base/random.ts";
import type { Execution } from "../domain/execution.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Task, TaskError } from "../domain/task.ts";
import { isPerdureError, messageOf } from "../base/errors.ts";
import { toJsonText } from "../base/json.ts";
import type { Hold } from "../store/commands/task-rows.ts";
import type { StoreDep } from "../store/port.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Journal } from "./journal.ts";
import type { Overlap, RunGate } from "./run-gate.ts";
import type { RunOutcome } from "./run-outcome.ts";

export interface RunDeps extends StoreDep, ClockDep, RandomDep {
  readonly artifactFiles: ArtifactFiles;
}

export interface RunContext extends RunDeps {
  readonly task: Task;
  readonly execution: Execution;
  readonly hold: Hold;
  readonly journal: Journal;
  readonly gate: RunGate;
  /** Resolves at once while the lease runs; else once it was extended, or the run was told that it has lost it. */
  readonly confirmLease: () => Promise<void>;
  /** Aborted when steps in flight must stop too. */
  readonly stepSignal: AbortSignal;
  /** Ends the run without the code having a say in it, once what is in flight has heard of it and settled. */
  readonly windDown: (outcome: RunOutcome) => void;
  /** Recorded as who made the changes. */
  readonly actor: string;
  readonly failures: StepFailure[];
}

/** A step of this attempt that failed, and the journal's `askCount` by then. */
export interface StepFailure {
  readonly position: number;
  readonly error: unknown;
  readonly askCount: number;
  readonly overlap: Overlap;
}

/**
 * Positions of failed steps the code went on past: it asked for another step afterwards, and what ended the run is not
 * that failure. Of a step that overlapped with others this cannot be told: who asked may not have known of it.
 */
export function handledSteps(context: RunContext, error: unknown): readonly number[] {
  return context.failures
    .filter(({ overlap, askCount }) => !overlap.hasOverlapped() && context.journal.askCount > askCount)
    .filter((failure) => !isCausedBy(error, failure.error))
    .map((failure) => failure.position);
}

function isCausedBy(error: unknown, cause: unknown): boolean {
  if (error === cause) return true;
  if (error instanceof AggregateError && error.errors.some((each: unknown) => isCausedBy(each, cause))) return true;
  return error instanceof Error && error.cause !== undefined && error.cause !== error && isCausedBy(error.cause, cause);
}

/** The stored form of whatever code threw. Never throws, whatever that was. */
export function toTaskError(thrown: unknown): TaskError {
  const error = toError(thrown);
  try {
    const code = isPerdureError(error) ? error.code : String(error.name).slice(0, LIMITS.nameChars);
    const stack = isPerdureError(error) || error.stack === undefined ? {} : { stack: String(error.stack) };
    return { code, message: String(error.message), ...stack };
  } catch {
    return { code: "Error", message: "the error cannot be read" };
  }
}

/** What was thrown, as an error: code may throw anything. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(describe(thrown), { cause: thrown });
}

function describe(thrown: unknown): string {
  try {
    return typeof thrown === "object" && thrown !== null ? toJsonText(thrown, "it") : messageOf(thrown);
  } catch {
    return `a value of type ${typeof thrown} was thrown that cannot be shown`;
  }
}

/** A recorded failure, thrown again when it is replayed. */
export class RecordedError extends Error {
  readonly code: string;

  constructor(recorded: TaskError) {
    super(recorded.message);
    this.name = recorded.code;
    this.code = recorded.code;
  }
}
