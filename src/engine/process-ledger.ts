/** Remembers which operating-system processes an execution started, so that a later run can end those a killed one left behind. */

import type { ExecutionId } from "../domain/ids.ts";

export interface RecordedProcess {
  /** Identifies the machine and its process-id space, as `Host.id`. */
  readonly host: string;
  /** Also the id of its process group. */
  readonly pid: number;
  /** Tells it from a later process with the same pid, as `Host.startTokenOf`. */
  readonly startToken: string;
}

export interface ProcessLedger {
  /** Resolves when the record is durable. */
  record(executionId: ExecutionId, process: RecordedProcess): Promise<void>;
  list(executionId: ExecutionId): Promise<readonly RecordedProcess[]>;
  forget(executionId: ExecutionId, pid: number): Promise<void>;
}

export interface ProcessLedgerDep {
  readonly processLedger: ProcessLedger;
}
