/** How far a piece of work is: what an executor reports, and what is derived from it. */

import type { Millis } from "../base/clock.ts";

export interface Milestone {
  readonly name: string;
  readonly reachedAt: Millis | null;
}

/** What an execution last reported about itself; stored with it. Fields it never reported are `null`. */
export interface ReportedProgress {
  /** 0–100. */
  readonly percent: number | null;
  readonly currentStep: number | null;
  readonly totalSteps: number | null;
  readonly message: string | null;
  readonly milestones: readonly Milestone[];
}

/** Progress as shown, of a task or a session. */
export interface Progress {
  /** 0–100, one decimal. */
  readonly percent: number;
  readonly currentStep: number | null;
  readonly totalSteps: number | null;
  readonly milestones: readonly Milestone[];
  readonly estimatedCompletionAt: Millis | null;
  readonly timeElapsedMs: number;
  readonly message: string | null;
  readonly lastUpdatedAt: Millis | null;
}
