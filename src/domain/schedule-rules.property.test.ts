import fc from "fast-check";
import { expect, test } from "vitest";
import type { Schedule } from "./schedule.ts";
import { occurrencesOf } from "./schedule-rules.ts";

const ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"] as const;
const anyZone = fc.constantFrom(...ZONES);
const anyInstant = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2035) });
/** When the clocks of those zones are set. */
const JUMPS = [
  "2026-03-29T01:00Z",
  "2026-10-25T01:00Z",
  "2026-03-08T07:00Z",
  "2026-11-01T06:00Z",
  "2026-04-04T15:00Z",
  "2026-10-03T15:30Z",
];
const anyInstantNearJump = fc
  .tuple(fc.constantFrom(...JUMPS), fc.integer({ min: -20_000_000, max: 8_000_000 }))
  .map(([jump, offset]) => Date.parse(jump) + offset);
const anyTime = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([hour, minute]) => `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`);
/** Around the hours in which clocks are set, where there is something to get wrong. */
const anyNightTime = fc
  .integer({ min: 0, max: 59 })
  .chain((m) => fc.constantFrom("01", "02", "03").map((h) => `${h}:${String(m).padStart(2, "0")}`));
const anyDaily: fc.Arbitrary<Schedule> = fc.record({
  type: fc.constant("daily" as const),
  time: fc.oneof(anyTime, anyNightTime),
  timezone: anyZone,
});
const anyRecurring: fc.Arbitrary<Schedule> = fc.oneof(
  anyDaily,
  fc.record({ type: fc.constant("every" as const), intervalMs: fc.integer({ min: 1_000, max: 10_000_000 }) }),
  fc.record({
    type: fc.constant("cron" as const),
    cron: fc.constantFrom(
      "* * * * *",
      "*/7 * * * *",
      "0 9 * * 1-5",
      "30 2 * * *",
      "15 */2 * * *",
      "0 0 1 * *",
      "*/20 * * * * *",
    ),
    timezone: anyZone,
  }),
);

function localDay(instant: number, timeZone: string): string {
  return new Date(instant).toLocaleDateString("sv-SE", { timeZone });
}

function nextLocalDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

test("a daily schedule has one occurrence on every local calendar day", () => {
  fc.assert(
    fc.property(
      anyDaily,
      fc.integer({ min: 2020, max: 2034 }),
      fc.constantFrom(2, 3, 9, 10),
      (schedule, year, month) => {
        if (schedule.type !== "daily") return;
        const zone = schedule.timezone ?? "UTC";
        const occurrences = occurrencesOf(schedule, 0);
        let last = occurrences.after(Date.UTC(year, month, 1)) ?? Number.NaN;
        for (let day = 0; day < 45; day++) {
          const next = occurrences.after(last) ?? Number.NaN;
          expect(localDay(next, zone)).toBe(nextLocalDay(localDay(last, zone)));
          last = next;
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("occurrences strictly increase, and walking back meets the same ones", () => {
  fc.assert(
    fc.property(
      anyRecurring,
      fc.oneof(anyInstant, anyInstantNearJump),
      fc.integer({ min: 0, max: 1e9 }),
      (schedule, from, lead) => {
        const occurrences = occurrencesOf(schedule, from - lead);
        let last = from;
        for (let i = 0; i < 15; i++) {
          const next = occurrences.after(last) ?? Number.NaN;
          expect(next).toBeGreaterThan(last);
          expect(occurrences.atOrBefore(next)).toBe(next);
          if (i > 0) expect(occurrences.atOrBefore(next - 1)).toBe(last);
          last = next;
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("every is due at its anchor plus whole intervals", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 1e9 }),
      anyInstant,
      fc.integer({ min: -1e12, max: 1e12 }),
      (intervalMs, anchor, offset) => {
        const next = occurrencesOf({ type: "every", intervalMs }, anchor).after(anchor + offset) ?? Number.NaN;
        expect((next - anchor) % intervalMs).toBe(0);
        expect(next).toBeGreaterThanOrEqual(anchor);
        expect(next - Math.max(anchor + offset, anchor - 1)).toBeLessThanOrEqual(intervalMs);
      },
    ),
  );
});
