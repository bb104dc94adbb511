/** What a worker is told when it is made, and what it tells. */

import type { SessionId } from "../domain/ids.ts";
import type { Claimed } from "../store/commands/claim-row.ts";
import type { Recovered } from "../store/commands/workers.ts";
import type { Executor } from "./executor.ts";

export interface WorkerOptions {
  /** Asked at every claim, so that executors may be added while the worker runs. */
  readonly executors: () => ReadonlyMap<string, Executor>;
  readonly concurrency: number;
  /** What it offers: it claims no task that requires others. Default: none. */
  readonly labels?: readonly string[];
  /** Claims only tasks of this session; `null` is any. */
  readonly sessionId: SessionId | null;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** How long a graceful stop waits for steps in flight. */
  readonly graceMs: number;
  readonly onEvent?: (event: WorkerEvent) => void;
}

export type WorkerEvent =
  | { readonly kind: "started"; readonly claimed: Claimed }
  | { readonly kind: "ended"; readonly claimed: Claimed; readonly outcome: string; readonly error: unknown }
  | { readonly kind: "recovered"; readonly recovered: readonly Recovered[] };
