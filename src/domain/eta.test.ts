import { describe, expect, test } from "vitest";
import { completionAt, estimateRemainingMs, estimateSessionRemainingMs, type SessionEtaTask } from "./eta.ts";

function anEtaTask(overrides: Partial<SessionEtaTask> = {}): SessionEtaTask {
  return { status: "pending", remainingMs: null, durationMs: null, ...overrides };
}

describe("estimateRemainingMs", () => {
  test("is not known without progress or history", () => {
    expect(estimateRemainingMs({ percent: 0, elapsedMs: 5_000, historyMs: [] })).toBeNull();
  });

  test("extrapolates its own rate without history", () => {
    expect(estimateRemainingMs({ percent: 25, elapsedMs: 10_000, historyMs: [] })).toBe(30_000);
  });

  test("is what history leaves before any progress", () => {
    expect(estimateRemainingMs({ percent: 0, elapsedMs: 10_000, historyMs: [30_000, 90_000, 60_000] })).toBe(50_000);
    expect(estimateRemainingMs({ percent: 0, elapsedMs: 0, historyMs: [10_000, 20_000] })).toBe(15_000);
  });

  test("mixes the two by percent", () => {
    // Its own rate says 100 s, history 200 s.
    expect(estimateRemainingMs({ percent: 50, elapsedMs: 100_000, historyMs: [300_000] })).toBe(150_000);
  });

  test("compares an execution that overran with those that did too", () => {
    expect(estimateRemainingMs({ percent: 0, elapsedMs: 100_000, historyMs: [10_000, 20_000, 130_000] })).toBe(30_000);
  });

  test("promises nothing when it outlived all history and reports no progress", () => {
    expect(estimateRemainingMs({ percent: 0, elapsedMs: 100_000, historyMs: [10_000, 20_000] })).toBeNull();
  });

  test("falls back to its own rate when it outlived all history", () => {
    expect(estimateRemainingMs({ percent: 50, elapsedMs: 100_000, historyMs: [10_000] })).toBe(100_000);
  });

  test("is 0 at 100 percent", () => {
    expect(estimateRemainingMs({ percent: 100, elapsedMs: 0, historyMs: [] })).toBe(0);
  });
});

describe("estimateSessionRemainingMs", () => {
  test("is 0 when nothing is left", () => {
    const tasks = [
      anEtaTask({ status: "completed" }),
      anEtaTask({ status: "cancelled" }),
      anEtaTask({ status: "failed" }),
    ];

    expect(estimateSessionRemainingMs({ tasks, concurrency: 3 })).toBe(0);
  });

  test("is not known when nothing is", () => {
    expect(estimateSessionRemainingMs({ tasks: [anEtaTask()], concurrency: 3 })).toBeNull();
  });

  test("divides the work by what runs side by side", () => {
    const tasks = Array.from({ length: 6 }, () => anEtaTask({ durationMs: 10_000 }));

    expect(estimateSessionRemainingMs({ tasks, concurrency: 3 })).toBe(20_000);
  });

  test("is at least the longest single task", () => {
    const tasks = [anEtaTask({ durationMs: 60_000 }), anEtaTask({ durationMs: 1_000 })];

    expect(estimateSessionRemainingMs({ tasks, concurrency: 3 })).toBe(60_000);
  });

  test("counts what is left of a running task", () => {
    const tasks = [anEtaTask({ status: "in_progress", remainingMs: 4_000, durationMs: 60_000 })];

    expect(estimateSessionRemainingMs({ tasks, concurrency: 1 })).toBe(4_000);
  });

  test("takes the mean of known durations, ended tasks' included, for unknown ones", () => {
    const tasks = [
      anEtaTask({ status: "completed", durationMs: 10_000 }),
      anEtaTask({ durationMs: 30_000 }),
      anEtaTask({ status: "blocked" }),
    ];

    expect(estimateSessionRemainingMs({ tasks, concurrency: 1 })).toBe(50_000);
  });

  test("takes the remaining times of running tasks when no duration is known", () => {
    const tasks = [anEtaTask({ status: "in_progress", remainingMs: 4_000 }), anEtaTask()];

    expect(estimateSessionRemainingMs({ tasks, concurrency: 1 })).toBe(8_000);
  });
});

test("completionAt adds to now and keeps null", () => {
  expect(completionAt(1_000, 500.4)).toBe(1_500);
  expect(completionAt(1_000, null)).toBeNull();
});
