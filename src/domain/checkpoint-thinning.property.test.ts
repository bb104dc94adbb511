import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { ThinnedCheckpoint } from "./checkpoint-thinning.ts";
import { checkpointsToGiveUp, DAILY_UNTIL_MS, NEWEST_KEPT } from "./checkpoint-thinning.ts";

const HOUR_MS = 3_600_000;
const NOW = 1_768_903_200_000;

/** Newest first, so long ago each. */
function madeAgo(...ages: readonly number[]): readonly ThinnedCheckpoint[] {
  return ages.toSorted((a, b) => a - b).map((age, index) => ({ id: `c${index}`, createdAt: NOW - age }));
}

function kept(newestFirst: readonly ThinnedCheckpoint[], now = NOW): readonly ThinnedCheckpoint[] {
  const givenUp = new Set(checkpointsToGiveUp(newestFirst, now));
  return newestFirst.filter((checkpoint) => !givenUp.has(checkpoint));
}

describe("checkpointsToGiveUp", () => {
  it("keeps the newest ten, however close together", () => {
    expect(kept(madeAgo(...Array.from({ length: 10 }, (_, index) => index)))).toHaveLength(10);
  });

  it("keeps one an hour behind them", () => {
    const made = madeAgo(...Array.from({ length: 70 }, (_, index) => index * 60_000));
    const hours = new Set(
      kept(made)
        .slice(NEWEST_KEPT)
        .map(({ createdAt }) => Math.floor(createdAt / HOUR_MS)),
    );
    expect(kept(made)).toHaveLength(NEWEST_KEPT + hours.size);
    expect(hours.size).toBe(2);
  });

  it("keeps one a day behind those, and none that is older than a month", () => {
    const made = madeAgo(...Array.from({ length: 1_000 }, (_, index) => index * HOUR_MS));
    const days = kept(made).filter(({ createdAt }) => NOW - createdAt >= 25 * HOUR_MS);
    expect(days.length).toBeGreaterThanOrEqual(28);
    expect(new Set(days.map(({ createdAt }) => Math.floor(createdAt / (24 * HOUR_MS)))).size).toBe(days.length);
    expect(Math.max(...kept(made).map(({ createdAt }) => NOW - createdAt))).toBeLessThan(DAILY_UNTIL_MS);
  });

  it("keeps the newest always and a bounded number in all, and asked again gives up no more", () => {
    const ages = fc.array(fc.nat({ max: 60 * 24 * HOUR_MS }), { maxLength: 300 });
    fc.assert(
      fc.property(ages, fc.nat({ max: 5 * HOUR_MS }), (said, later) => {
        const made = madeAgo(...said);
        const left = kept(made);
        expect(left.slice(0, NEWEST_KEPT)).toEqual(made.slice(0, NEWEST_KEPT));
        expect(left.length).toBeLessThanOrEqual(NEWEST_KEPT + 25 + 31);
        expect(checkpointsToGiveUp(left, NOW)).toEqual([]);
        // Thinning out on the way never leaves a stretch of time bare that thinning out once would not.
        const atOnce = kept(made, NOW + later);
        const onTheWay = kept(left, NOW + later);
        expect(onTheWay.map(({ id }) => id)).toEqual(
          expect.arrayContaining(atOnce.slice(0, NEWEST_KEPT).map(({ id }) => id)),
        );
      }),
    );
  });
});
