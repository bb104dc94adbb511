/** What the parts of one run share. */

import type { ClockDep } from "../base/clock.ts";
import type { RandomDep } from "../base/random.ts";
import type { Execution } from "../domain/execution.ts";
import type { Task, TaskError } from "../domain/task.ts";
import { isPerdureError, messageOf } from "../base/errors.ts";
import type { Hold } from "../store/commands/task-rows.ts";
import type { StoreDep } from "../store/port.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Journal } from "./journal.ts";
import type { RunGate } from "./run-gate.ts";

export interface RunDeps extends StoreDep, ClockDep, RandomDep {
  readonly artifactFiles: ArtifactFiles;
}

export interface RunContext extends RunDeps {
  readonly task: Task;
  readonly execution: Execution;
  readonly hold: Hold;
  readonly journal: Journal;
  readonly gate: RunGate;
  /** Aborted when steps in flight must stop too. */
  readonly stepSignal: AbortSignal;
  /** Recorded as who made the changes. */
  readonly actor: string;
  readonly failures: StepFailure[];
}

/** A step of this attempt that failed, and how many steps had been asked for by then. */
export interface StepFailure {
  readonly position: number;
  readonly error: unknown;
  readonly askCount: number;
}

/** The stored form of whatever code threw. */
export function toTaskError(error: unknown): TaskError {
  const code = isPerdureError(error) ? error.code : error instanceof Error ? error.name : "Error";
  const stack = error instanceof Error && !isPerdureError(error) ? error.stack : undefined;
  return { code, message: messageOf(error), ...(stack === undefined ? {} : { stack }) };
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
