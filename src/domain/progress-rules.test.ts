import { describe, expect, test } from "vitest";
import type { ReportedProgress } from "./progress.ts";
import {
  applyProgressUpdate,
  executionPercent,
  executionProgress,
  weightedProgress,
  type ExecutionProgressInput,
  type WeightedItem,
} from "./progress-rules.ts";

function aReport(overrides: Partial<ReportedProgress> = {}): ReportedProgress {
  return { percent: null, currentStep: null, totalSteps: null, message: null, milestones: [], ...overrides };
}

function anInput(overrides: Partial<ExecutionProgressInput> = {}): ExecutionProgressInput {
  return {
    status: "in_progress",
    reported: null,
    completedSteps: 0,
    startedAt: 1_000,
    endedAt: null,
    lastUpdatedAt: null,
    historyMs: [],
    now: 11_000,
    ...overrides,
  };
}

function anItem(fraction: number, overrides: Partial<WeightedItem> = {}): WeightedItem {
  return { weight: 1, fraction, countsIn: true, ...overrides };
}

describe("executionPercent", () => {
  test.each<[string, Partial<ExecutionProgressInput>, number]>([
    ["0 when nothing is known", {}, 0],
    ["0 for steps without a total", { completedSteps: 4 }, 0],
    ["what was reported", { reported: aReport({ percent: 42.25, currentStep: 9, totalSteps: 10 }) }, 42.3],
    ["current step of total", { reported: aReport({ currentStep: 3, totalSteps: 10 }), completedSteps: 8 }, 30],
    ["completed steps of total", { reported: aReport({ totalSteps: 10 }), completedSteps: 3 }, 30],
    ["100 at most", { reported: aReport({ totalSteps: 2 }), completedSteps: 5 }, 100],
    ["100 when completed", { status: "completed", reported: aReport({ percent: 10 }) }, 100],
    ["where it stood when it failed", { status: "failed", reported: aReport({ percent: 10 }) }, 10],
    ["under 100 until it is reached", { reported: aReport({ percent: 99.99 }) }, 99.9],
    ["0 of 0 steps", { reported: aReport({ totalSteps: 0 }), completedSteps: 1 }, 0],
  ])("is %s", (_, overrides, percent) => {
    expect(executionPercent(anInput(overrides))).toBe(percent);
  });
});

describe("executionProgress", () => {
  test("estimates the end of running work", () => {
    expect(executionProgress(anInput({ reported: aReport({ percent: 50 }) }))).toMatchObject({
      percent: 50,
      timeElapsedMs: 10_000,
      estimatedCompletionAt: 21_000,
    });
  });

  test("estimates nothing for work that ended, and stops its clock", () => {
    expect(executionProgress(anInput({ status: "completed", endedAt: 4_000, historyMs: [9_000] }))).toMatchObject({
      percent: 100,
      timeElapsedMs: 3_000,
      estimatedCompletionAt: null,
    });
  });

  test("counts the journal's steps when none were reported", () => {
    expect(executionProgress(anInput({ completedSteps: 4 }))).toMatchObject({ currentStep: 4, totalSteps: null });
  });

  test("has no time before the start", () => {
    expect(executionProgress(anInput({ status: "pending", startedAt: null })).timeElapsedMs).toBe(0);
  });
});

describe("applyProgressUpdate", () => {
  test("keeps what an update leaves out", () => {
    const before = aReport({ percent: 10, message: "reading", totalSteps: 4 });

    expect(applyProgressUpdate(before, { message: "writing" }, 5)).toEqual({ ...before, message: "writing" });
  });

  test("puts an earlier percent out of force when steps are stated", () => {
    expect(applyProgressUpdate(aReport({ percent: 10 }), { currentStep: 5, totalSteps: 10 }, 5)).toMatchObject({
      percent: null,
      currentStep: 5,
      totalSteps: 10,
    });
  });

  test("clamps a percent and passes over numbers that are none", () => {
    expect(applyProgressUpdate(null, { percent: 120 }, 5).percent).toBe(100);
    expect(applyProgressUpdate(null, { percent: -1 }, 5).percent).toBe(0);
    expect(
      applyProgressUpdate(aReport({ percent: 10 }), { percent: Number.NaN, currentStep: Number.NaN }, 5),
    ).toMatchObject({
      percent: 10,
      currentStep: null,
    });
  });

  test("names milestones and marks them once", () => {
    const named = applyProgressUpdate(null, { milestones: ["draft", "review"] }, 1);
    const reached = applyProgressUpdate(named, { milestone: "draft" }, 2);
    const again = applyProgressUpdate(reached, { milestone: "draft" }, 3);

    expect(again.milestones).toEqual([
      { name: "draft", reachedAt: 2 },
      { name: "review", reachedAt: null },
    ]);
  });

  test("adds a milestone that was not named before", () => {
    expect(applyProgressUpdate(null, { milestone: "surprise" }, 2).milestones).toEqual([
      { name: "surprise", reachedAt: 2 },
    ]);
  });

  test("replaces the milestones to come and keeps the reached ones", () => {
    const before = aReport({
      milestones: [
        { name: "draft", reachedAt: 2 },
        { name: "review", reachedAt: null },
      ],
    });

    expect(applyProgressUpdate(before, { milestones: ["polish", "draft", "publish"] }, 3).milestones).toEqual([
      { name: "draft", reachedAt: 2 },
      { name: "polish", reachedAt: null },
      { name: "publish", reachedAt: null },
    ]);
  });

  test("refuses too many milestones and overlong names", () => {
    const milestones = Array.from({ length: 1_001 }, (_, i) => `m${i}`);

    expect(() => applyProgressUpdate(null, { milestones }, 1)).toThrow(/at most 1000 milestones/);
    expect(() => applyProgressUpdate(null, { milestone: "x".repeat(201) }, 1)).toThrow(/201 characters/);
  });
});

describe("weightedProgress", () => {
  test("is 33.3 with one of three done, 66.7 with two, 100 with all", () => {
    expect(weightedProgress([anItem(1), anItem(0), anItem(0)])).toBe(33.3);
    expect(weightedProgress([anItem(1), anItem(1), anItem(0)])).toBe(66.7);
    expect(weightedProgress([anItem(1), anItem(1), anItem(1)])).toBe(100);
  });

  test("weighs", () => {
    expect(weightedProgress([anItem(1, { weight: 3 }), anItem(0)])).toBe(75);
  });

  test("counts work in part", () => {
    expect(weightedProgress([anItem(0.3), anItem(0)])).toBe(15);
  });

  test("leaves cancelled work out", () => {
    expect(weightedProgress([anItem(1), anItem(0, { countsIn: false })])).toBe(100);
  });

  test("is 0 when nothing counts", () => {
    expect(weightedProgress([])).toBe(0);
    expect(weightedProgress([anItem(1, { countsIn: false })])).toBe(0);
  });

  test("stays under 100 while anything is left", () => {
    expect(weightedProgress([anItem(1, { weight: 10_000 }), anItem(0)])).toBe(99.9);
  });
});
