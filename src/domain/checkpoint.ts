/** A checkpoint: a named point of a session in the change log. */

import type { Millis } from "../base/clock.ts";
import type { EnvironmentFingerprint } from "./environment.ts";
import type { CheckpointId, SessionId } from "./ids.ts";

/**
 * `manual`: somebody asked. `automatic`: made while work goes on, and thinned out later. `before_restore`: what a restore
 * replaced, to return to. `final`: the session's end.
 */
export const CHECKPOINT_KINDS = ["manual", "automatic", "before_restore", "final"] as const;
export type CheckpointKind = (typeof CHECKPOINT_KINDS)[number];

export interface Checkpoint {
  readonly id: CheckpointId;
  readonly sessionId: SessionId;
  readonly label: string;
  readonly kind: CheckpointKind;
  /** The last change it includes. */
  readonly seq: number;
  /** What the session was worked in. */
  readonly environment: EnvironmentFingerprint;
  /** The snapshot of the workspace that belongs to it; `null` when none was taken. */
  readonly workspace: string | null;
  readonly createdAt: Millis;
}

/**
 * A step with an effect outside that the present has and the checkpoint returned to does not know of: it took place in the
 * world (or may have), and takes place again when work goes on (INV-8).
 */
export interface RepeatedEffect {
  readonly taskId: string;
  /** The task's key, else its title. */
  readonly task: string;
  readonly step: string;
  /** `unknown`: begun, and nobody knows whether it took place. */
  readonly outcome: "completed" | "unknown";
}
