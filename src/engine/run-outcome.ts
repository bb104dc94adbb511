/** How one run of an execution ended, for the worker to record. */

import type { StepKind } from "../domain/step.ts";

export type RunOutcome =
  | { readonly kind: "completed"; readonly result: unknown }
  | { readonly kind: "failed"; readonly error: unknown; readonly handledSteps: readonly number[] }
  /** It waits, in these steps. */
  | { readonly kind: "suspended"; readonly waits: readonly StepKind[] }
  /** A step's effect may or may not have taken place. */
  | { readonly kind: "unknown"; readonly position: number; readonly handledSteps: readonly number[] }
  /** Stopped at a step boundary, as asked. */
  | { readonly kind: "stopped"; readonly reason: "interrupted" | "stopping" }
  /** Cancelled or taken over: it has no right to record anything. */
  | { readonly kind: "lost" };
