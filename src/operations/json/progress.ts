/** Progress as JSON. */

import * as v from "valibot";

import type { Progress } from "../../domain/progress.ts";
import { toEstimatedIso, toIsoOrNull } from "./times.ts";

export const progressSchema = v.object({
  /** 0–100, one decimal. */
  percent: v.number(),
  currentStep: v.nullable(v.number()),
  totalSteps: v.nullable(v.number()),
  milestones: v.array(v.object({ name: v.string(), reachedAt: v.nullable(v.string()) })),
  estimatedCompletion: v.nullable(v.string()),
  /** Milliseconds. */
  timeElapsed: v.number(),
  message: v.nullable(v.string()),
  lastUpdated: v.nullable(v.string()),
});

export function progressToJson(progress: Progress): v.InferInput<typeof progressSchema> {
  return {
    percent: progress.percent,
    currentStep: progress.currentStep,
    totalSteps: progress.totalSteps,
    milestones: progress.milestones.map(({ name, reachedAt }) => ({ name, reachedAt: toIsoOrNull(reachedAt) })),
    estimatedCompletion: toEstimatedIso(progress.estimatedCompletionAt),
    timeElapsed: progress.timeElapsedMs,
    message: progress.message,
    lastUpdated: toIsoOrNull(progress.lastUpdatedAt),
  };
}
