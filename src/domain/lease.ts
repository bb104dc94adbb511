/** A lease: a worker's time-limited right to an execution, with the fencing token its writes carry (INV-3). */

import type { Millis } from "../base/clock.ts";
import type { ExecutionId, WorkerId } from "./ids.ts";

export interface Lease {
  readonly executionId: ExecutionId;
  readonly workerId: WorkerId;
  readonly fence: number;
  /** Of all the worker's leases at once: a worker extends them with one heartbeat. */
  readonly expiresAt: Millis;
}
