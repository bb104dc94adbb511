/** What carries out a task. One per name; a worker claims only tasks whose executor it has. */

import type { ExecutionId } from "../domain/ids.ts";
import type { Run } from "./run.ts";

export interface Executor {
  /** The name tasks refer to it by. */
  readonly name: string;
  /**
   * Carries out one attempt and returns its result, which must have a JSON form.
   *
   * Throwing fails the attempt, which is retried as the task allows; `NonRetryable` is not, `RetryAfter` says when.
   * Must settle soon after `run.signal` aborts, with everything it started ended.
   */
  execute(run: Run): Promise<unknown>;
  /** Ends what a run of the execution left running on this host when its process was killed. Nobody else may run it meanwhile. */
  endLeftovers?(executionId: ExecutionId): Promise<void>;
}
