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

/** What running work says about itself; what it leaves out stays as it was. */
export interface ProgressStatement {
  /** 0–100. */
  readonly percent?: number | undefined;
  readonly currentStep?: number | undefined;
  readonly totalSteps?: number | undefined;
  readonly message?: string | undefined;
  /** The milestones to come, in order. */
  readonly milestones?: readonly string[] | undefined;
  /** One that was reached. */
  readonly milestone?: string | undefined;
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
