import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Rate, StartLog } from "./rate.ts";
import { allowanceAt, endOfLog, findRate, rateText, withStart } from "./rate.ts";

describe("findRate", () => {
  test.each([
    ["100/1m", { count: 100, perMs: 60_000 }],
    ["10/s", { count: 10, perMs: 1_000 }],
    [" 5 / 1h30m ", { count: 5, perMs: 5_400_000 }],
    ["0/1s", null],
    ["1.5/1s", null],
    ["-1/1s", null],
    ["10", null],
    ["10/", null],
    ["10/x", null],
    ["10/1", null],
    ["10/0s", null],
    ["10/1000d", null],
    ["9999999/1s", null],
  ])("reads %j", (text, rate) => {
    expect(findRate(text)).toEqual(rate);
  });

  test("reads what rateText writes", () => {
    fc.assert(
      fc.property(aRate(), (rate) => {
        expect(findRate(rateText(rate))).toEqual(rate);
      }),
    );
  });
});

function aRate(): fc.Arbitrary<Rate> {
  return fc.record({ count: fc.integer({ min: 1, max: 40 }), perMs: fc.integer({ min: 10, max: 5_000 }) });
}

/** Starts as many as it may, at instants so far apart from each other. */
function startAll(
  rate: Rate,
  pauses: readonly number[],
): { readonly starts: readonly number[]; readonly log: StartLog } {
  const starts: number[] = [];
  let log: StartLog = [];
  let now = 1_000;
  for (const pause of pauses) {
    now += pause;
    if (allowanceAt(log, rate, now).left === 0) continue;
    log = withStart(log, rate, now);
    starts.push(now);
  }
  return { starts, log };
}

describe("a log of starts", () => {
  test("lets no more through in any window than the rate says", () => {
    fc.assert(
      fc.property(aRate(), fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 400 }), (rate, pauses) => {
        const { starts } = startAll(rate, pauses);
        for (const from of starts) {
          const inWindow = starts.filter((at) => at >= from && at < from + rate.perMs);
          expect(inWindow.length).toBeLessThanOrEqual(rate.count);
        }
      }),
    );
  });

  test("lets through again no later than a thirty-second of the window after it could, and as soon as it says", () => {
    fc.assert(
      fc.property(aRate(), fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 400 }), (rate, pauses) => {
        const { starts, log } = startAll(rate, pauses);
        const now = starts.at(-1) ?? 0;
        const { left, opensAt } = allowanceAt(log, rate, now);
        if (left > 0 || opensAt === null) return;
        const ideal = (starts.at(-rate.count) ?? 0) + rate.perMs;
        expect(opensAt).toBeGreaterThanOrEqual(ideal);
        expect(opensAt).toBeLessThanOrEqual(ideal + rate.perMs / 32 + 1);
        expect(allowanceAt(log, rate, opensAt - 1).left).toBe(0);
        expect(allowanceAt(log, rate, opensAt).left).toBeGreaterThan(0);
      }),
    );
  });

  test("stays small and says when it says nothing more", () => {
    const rate = { count: 100_000, perMs: 60_000 };
    const { log } = startAll(
      rate,
      Array.from({ length: 50_000 }, () => 7),
    );
    expect(log.length).toBeLessThanOrEqual(34);
    expect(allowanceAt(log, rate, endOfLog(log, rate))).toEqual({ left: rate.count, opensAt: null });
  });

  test("gives all of a burst back at once when its window is over", () => {
    const rate = { count: 10, perMs: 1_000 };
    const { log } = startAll(
      rate,
      Array.from({ length: 10 }, () => 0),
    );
    expect(allowanceAt(log, rate, 1_999)).toEqual({ left: 0, opensAt: 2_000 });
    expect(allowanceAt(log, rate, 2_000)).toEqual({ left: 10, opensAt: null });
  });

  test("does not forget a start because the clock was set back", () => {
    const rate = { count: 1, perMs: 1_000 };
    const log = withStart(withStart([], { count: 2, perMs: 1_000 }, 5_000), rate, 4_000);
    expect(allowanceAt(log, rate, 5_500).left).toBe(0);
  });
});
