import fc from "fast-check";
import { expect, test } from "vitest";
import { estimateRemainingMs, estimateSessionRemainingMs } from "./eta.ts";
import { TASK_STATUSES } from "./task.ts";

const anyPercent = fc.double({ min: 0, max: 100, noNaN: true });
/** 0 is left out: it says nothing about the rate. */
const anyReportedPercent = fc.double({ min: 0.1, max: 100, noNaN: true });
const anyMs = fc.integer({ min: 0, max: 1e10 });
const anyHistory = fc.array(anyMs, { maxLength: 20 });
const anyTasks = fc.array(
  fc.record({
    status: fc.constantFrom(...TASK_STATUSES),
    remainingMs: fc.option(anyMs),
    durationMs: fc.option(anyMs),
  }),
  { maxLength: 20 },
);

test("an estimate is finite and not negative, or null, whatever comes in", () => {
  fc.assert(
    fc.property(fc.double(), fc.double(), fc.array(fc.double()), (percent, elapsedMs, historyMs) => {
      const remaining = estimateRemainingMs({ percent, elapsedMs, historyMs });
      if (remaining === null) return;
      expect(remaining).toBeGreaterThanOrEqual(0);
      expect(Number.isNaN(remaining)).toBe(false);
    }),
  );
  fc.assert(
    fc.property(anyPercent, anyMs, anyHistory, (percent, elapsedMs, historyMs) => {
      expect(Number.isFinite(estimateRemainingMs({ percent, elapsedMs, historyMs }) ?? 0)).toBe(true);
    }),
  );
});

test("more progress in the same time never leaves more to do", () => {
  fc.assert(
    fc.property(anyReportedPercent, anyReportedPercent, anyMs, anyHistory, (a, b, elapsedMs, historyMs) => {
      const less = estimateRemainingMs({ percent: Math.min(a, b), elapsedMs, historyMs });
      const more = estimateRemainingMs({ percent: Math.max(a, b), elapsedMs, historyMs });
      if (less !== null && more !== null) expect(more).toBeLessThanOrEqual(less * (1 + 1e-9));
      if (less !== null) expect(more).not.toBeNull();
    }),
  );
});

test("the same progress in more time leaves more to do, by its own rate", () => {
  fc.assert(
    fc.property(anyPercent, anyMs, anyMs, (percent, a, b) => {
      const sooner = estimateRemainingMs({ percent, elapsedMs: Math.min(a, b), historyMs: [] }) ?? 0;
      const later =
        estimateRemainingMs({ percent, elapsedMs: Math.max(a, b), historyMs: [] }) ?? Number.POSITIVE_INFINITY;
      if (percent > 0) expect(later).toBeGreaterThanOrEqual(sooner);
    }),
  );
});

test("a session's estimate is finite, at least any single task, and no longer with more side by side", () => {
  fc.assert(
    fc.property(anyTasks, fc.integer({ min: 1, max: 50 }), (tasks, concurrency) => {
      const remaining = estimateSessionRemainingMs({ tasks, concurrency });
      const withMore = estimateSessionRemainingMs({ tasks, concurrency: concurrency + 1 });
      // Without returning what `expect` does, which a property takes for its verdict.
      if (remaining === null) {
        expect(withMore).toBeNull();
        return;
      }

      expect(Number.isFinite(remaining)).toBe(true);
      expect(remaining).toBeGreaterThanOrEqual(0);
      expect(withMore).toBeLessThanOrEqual(remaining);
      for (const task of tasks) {
        if (task.status === "in_progress") expect(remaining).toBeGreaterThanOrEqual(task.remainingMs ?? 0);
      }
    }),
    { examples: [[[{ status: "pending", remainingMs: null, durationMs: null }], 1]] },
  );
});

test("one more task of known duration never makes a session end sooner than it alone would take", () => {
  fc.assert(
    fc.property(anyTasks, anyMs, fc.integer({ min: 1, max: 50 }), (tasks, durationMs, concurrency) => {
      const more = [...tasks, { status: "pending" as const, remainingMs: null, durationMs }];
      expect(estimateSessionRemainingMs({ tasks: more, concurrency })).toBeGreaterThanOrEqual(durationMs);
    }),
  );
});
