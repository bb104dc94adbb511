/** A checkpoint: a named point of a session in the change log. */

import type { Millis } from "../base/clock.ts";
import type { CheckpointId, SessionId } from "./ids.ts";

export interface Checkpoint {
  readonly id: CheckpointId;
  readonly sessionId: SessionId;
  readonly label: string;
  readonly kind: "manual" | "automatic" | "before_restore" | "final";
  /** The last change it includes. */
  readonly seq: number;
  readonly environment: EnvironmentFingerprint;
  readonly createdAt: Millis;
}

/** What a resume compares with the present before it goes on. */
export interface EnvironmentFingerprint {
  readonly perdureVersion: string;
  readonly schemaVersion: number;
  readonly nodeVersion: string;
  readonly platform: string;
  /** `null` outside a git repository. */
  readonly gitCommit: string | null;
  readonly isGitDirty: boolean;
  readonly configHash: string;
}
