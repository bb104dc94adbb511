/** What is derived from reports: how far an execution, a task or a session is. */

import type { Millis } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import { completionAt, estimateRemainingMs } from "./eta.ts";
import { LIMITS } from "./limits.ts";
import type { Milestone, Progress, ProgressStatement, ReportedProgress } from "./progress.ts";
import type { TaskStatus } from "./task.ts";

const NOTHING_REPORTED: ReportedProgress = {
  percent: null,
  currentStep: null,
  totalSteps: null,
  message: null,
  milestones: [],
};

export interface ExecutionProgressInput {
  /** Of the task. */
  readonly status: TaskStatus;
  readonly reported: ReportedProgress | null;
  /** Completed steps of the journal. */
  readonly completedSteps: number;
  readonly startedAt: Millis | null;
  readonly endedAt: Millis | null;
  readonly lastUpdatedAt: Millis | null;
  /** Durations of earlier executions of the same kind, for the estimate. */
  readonly historyMs: readonly number[];
  readonly now: Millis;
}

/** Progress of a task by its newest execution, as shown. An estimate is given only while it is in progress. */
export function executionProgress(input: ExecutionProgressInput): Progress {
  const { status, startedAt, now } = input;
  const reported = input.reported ?? NOTHING_REPORTED;
  const percent = executionPercent(input);
  const timeElapsedMs = startedAt === null ? 0 : Math.max(0, (input.endedAt ?? now) - startedAt);
  const remainingMs =
    status === "in_progress"
      ? estimateRemainingMs({ percent, elapsedMs: timeElapsedMs, historyMs: input.historyMs })
      : null;
  return {
    percent,
    currentStep: reported.currentStep ?? (input.completedSteps > 0 ? input.completedSteps : null),
    totalSteps: reported.totalSteps,
    milestones: reported.milestones,
    estimatedCompletionAt: completionAt(now, remainingMs),
    timeElapsedMs,
    message: reported.message,
    lastUpdatedAt: input.lastUpdatedAt,
  };
}

/**
 * How far an execution is, 0–100 with one decimal: what it reported, else `currentStep` of `totalSteps`, else the
 * completed steps of its journal of `totalSteps`, else 0. A completed task is at 100, and nothing else is rounded up to it.
 */
export function executionPercent(
  input: Pick<ExecutionProgressInput, "status" | "reported" | "completedSteps">,
): number {
  if (input.status === "completed") return 100;
  const { percent, currentStep, totalSteps } = input.reported ?? NOTHING_REPORTED;
  if (percent !== null) return roundPercent(percent);
  if (totalSteps === null || totalSteps <= 0) return 0;
  return roundPercent(((currentStep ?? input.completedSteps) / totalSteps) * 100);
}

/**
 * The report after one more statement.
 *
 * Steps stated without a percent put an earlier percent out of force, since the newest statement counts. A list of
 * milestones replaces those still to come; reached ones stay. A milestone is reached once, and one not named before is
 * added. A number that is not finite says nothing and is passed over, so that a report never fails the work it is about.
 *
 * @throws PerdureError `limit-reached` beyond 1,000 milestones, or for one whose name is over 200 characters.
 */
export function applyProgressUpdate(
  previous: ReportedProgress | null,
  update: ProgressStatement,
  now: Millis,
): ReportedProgress {
  const before = previous ?? NOTHING_REPORTED;
  const percent = finite(update.percent);
  const currentStep = finite(update.currentStep);
  const totalSteps = finite(update.totalSteps);
  const statesSteps = currentStep !== null || totalSteps !== null;
  return {
    percent: percent === null ? (statesSteps ? null : before.percent) : clamp(percent, 100),
    currentStep: currentStep === null ? before.currentStep : Math.max(0, currentStep),
    totalSteps: totalSteps === null ? before.totalSteps : Math.max(0, totalSteps),
    message: update.message === undefined ? before.message : update.message.slice(0, LIMITS.titleChars),
    milestones: nextMilestones(before.milestones, update, now),
  };
}

export interface WeightedItem {
  readonly weight: number;
  /** Done, 0–1. */
  readonly fraction: number;
  /** Cancelled work is left out: it is neither done nor to do. */
  readonly countsIn: boolean;
}

/**
 * How far a parent or a session is by its leaves, 0–100 with one decimal; 100 only when all that count are done.
 * 0 when none counts. One of three completed is 33.3.
 */
export function weightedProgress(items: readonly WeightedItem[]): number {
  let total = 0;
  let done = 0;
  for (const { weight, fraction, countsIn } of items) {
    if (!countsIn) continue;
    total += weight;
    done += weight * clamp(fraction, 1);
  }
  return total > 0 ? roundPercent((done / total) * 100) : 0;
}

function nextMilestones(before: readonly Milestone[], update: ProgressStatement, now: Millis): readonly Milestone[] {
  const { milestones: named, milestone: reached } = update;
  if (named === undefined && reached === undefined) return before;
  const byName = new Map<string, Milestone>();
  for (const milestone of before) {
    if (named === undefined || milestone.reachedAt !== null) byName.set(milestone.name, milestone);
  }
  for (const name of named ?? []) if (!byName.has(name)) byName.set(name, { name, reachedAt: null });
  if (reached !== undefined && (byName.get(reached)?.reachedAt ?? null) === null) {
    byName.set(reached, { name: reached, reachedAt: now });
  }
  refuseBeyondLimits(byName);
  return [...byName.values()];
}

function refuseBeyondLimits(milestones: ReadonlyMap<string, Milestone>): void {
  if (milestones.size > LIMITS.milestonesPerExecution) {
    throw new PerdureError("limit-reached", {
      message: `An execution has at most ${LIMITS.milestonesPerExecution} milestones; this report would make it ${milestones.size}`,
      hint: "Use milestones for the few points that matter and totalSteps for the rest.",
    });
  }
  for (const name of milestones.keys()) {
    if (name.length <= LIMITS.nameChars) continue;
    throw new PerdureError("limit-reached", {
      message: `A milestone's name has ${name.length} characters: ${name.slice(0, 40)}…`,
      hint: `Keep it within ${LIMITS.nameChars} characters.`,
    });
  }
}

/** One decimal; what is not wholly done stays under 100. */
function roundPercent(percent: number): number {
  const clamped = clamp(percent, 100);
  return clamped < 100 ? Math.min(99.9, Math.round(clamped * 10) / 10) : 100;
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
