import { describe, expect, test } from "vitest";
import type { Schedule } from "./schedule.ts";
import { firstDueAt, nextOccurrence, occurrencesOf, validateSchedule } from "./schedule-rules.ts";

const at = (iso: string): number => Date.parse(iso);
const iso = (instant: number | null): string | null => (instant === null ? null : new Date(instant).toISOString());
const daily = (time: string, timezone: string): Schedule => ({ type: "daily", time, timezone });
const cron = (line: string, timezone: string | null = "UTC"): Schedule => ({ type: "cron", cron: line, timezone });

/** The next `count` occurrences after an instant. */
function following(schedule: Schedule, after: string, count: number): readonly (string | null)[] {
  const occurrences = occurrencesOf(schedule, 0);
  const found: (string | null)[] = [];
  for (let instant: number | null = at(after); instant !== null && found.length < count;) {
    instant = occurrences.after(instant);
    found.push(iso(instant));
  }
  return found;
}

describe("validateSchedule", () => {
  test.each<Schedule>([
    { type: "at", at: at("2026-12-01T09:00:00Z") },
    { type: "in", delayMs: 0 },
    { type: "every", intervalMs: 1_000 },
    daily("07:00", "Europe/Berlin"),
    daily("23:59:59", "Asia/Kathmandu"),
    { type: "daily", time: "07:00", timezone: null },
    cron("0 7 * * 1-5"),
    cron("*/10 * * * * *"),
    cron("@daily"),
    cron("0 0 29 2 *"),
  ])("accepts $type", (schedule) => {
    expect(validateSchedule(schedule)).toBeNull();
  });

  test.each<[string, Schedule, RegExp]>([
    ["an instant that is none", { type: "at", at: Number.NaN }, /no valid instant/],
    ["a negative delay", { type: "in", delayMs: -1 }, /delay/],
    ["an interval under a second", { type: "every", intervalMs: 999 }, /from 1 s/],
    ["an endless interval", { type: "every", intervalMs: Number.POSITIVE_INFINITY }, /interval/],
    ["a fraction of a millisecond", { type: "every", intervalMs: 1_000.5 }, /whole/],
    ["hour 24", daily("24:00", "UTC"), /time of day.*24:00/],
    ["an hour of one digit", daily("7:00", "UTC"), /time of day/],
    [
      "an unknown zone, with the likely one",
      daily("07:00", "Europe/Berln"),
      /Europe\/Berln; did you mean Europe\/Berlin/,
    ],
    ["an empty zone", cron("0 7 * * *", ""), /time zone/],
    ["minute 61", cron("61 * * * *"), /bad cron line: 61 \* \* \* \* \(Invalid value for minute: 61\)/],
    ["a line of words", cron("hello"), /bad cron line/],
    ["a date for a cron line", cron("2026-01-01T00:00:00"), /date where a cron line/],
    ["30 February", cron("0 0 30 2 *"), /never due/],
    ["a start-up trigger", cron("@reboot"), /bad cron line/],
    ["an overlong line", cron("1,".repeat(300)), /over 500/],
  ])("refuses %s", (_, schedule, problem) => {
    expect(validateSchedule(schedule)).toMatch(problem);
  });
});

describe("firstDueAt", () => {
  const now = at("2026-01-20T10:00:00Z");

  test.each<[string, Schedule, string]>([
    ["at: as said, also in the past", { type: "at", at: at("2026-01-01T00:00:00Z") }, "2026-01-01T00:00:00.000Z"],
    ["in: after the delay", { type: "in", delayMs: 1_800_000 }, "2026-01-20T10:30:00.000Z"],
    ["every: at once", { type: "every", intervalMs: 900_000 }, "2026-01-20T10:00:00.000Z"],
    ["daily: later today", daily("10:01", "UTC"), "2026-01-20T10:01:00.000Z"],
    ["daily: now, when it is that time", daily("10:00", "UTC"), "2026-01-20T10:00:00.000Z"],
    ["daily: tomorrow, when it has passed", daily("09:59:59", "UTC"), "2026-01-21T09:59:59.000Z"],
    ["cron: the next match", cron("0 7 * * 1-5"), "2026-01-21T07:00:00.000Z"],
  ])("%s", (_, schedule, expected) => {
    expect(iso(firstDueAt(schedule, now))).toBe(expected);
  });

  test("is null for a cron whose years are over", () => {
    expect(firstDueAt(cron("0 0 0 1 1 * 2020"), now)).toBeNull();
  });
});

describe("nextOccurrence", () => {
  test("every stays on its anchor however late it is asked", () => {
    const schedule: Schedule = { type: "every", intervalMs: 60_000 };

    expect(nextOccurrence(schedule, 7, 7)).toBe(60_007);
    expect(nextOccurrence(schedule, 60_006, 7)).toBe(60_007);
    expect(nextOccurrence(schedule, 3_600_000, 7)).toBe(3_600_007);
    expect(nextOccurrence(schedule, -500, 7)).toBe(7);
  });

  test("a one-shot schedule has none", () => {
    expect(nextOccurrence({ type: "at", at: 5 }, 0, 0)).toBeNull();
    expect(nextOccurrence({ type: "in", delayMs: 5 }, 0, 0)).toBeNull();
  });

  test("is later than an instant within the second of an occurrence", () => {
    const after = nextOccurrence(daily("07:00", "UTC"), at("2026-01-20T07:00:00.500Z"), 0);

    expect(iso(after)).toBe("2026-01-21T07:00:00.000Z");
  });

  test("without a zone, follows the machine's", () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const after = at("2026-07-01T00:00:00Z");

    expect(nextOccurrence({ type: "daily", time: "07:00", timezone: null }, after, 0)).toBe(
      nextOccurrence(daily("07:00", zone), after, 0),
    );
  });

  test("takes a numeric offset as a zone", () => {
    expect(iso(nextOccurrence(daily("07:00", "+02:00"), at("2026-07-01T00:00:00Z"), 0))).toBe(
      "2026-07-01T05:00:00.000Z",
    );
  });
});

describe("a daily schedule where the clock jumps", () => {
  test("runs at the end of the gap: Europe/Berlin 02:30 at 03:00", () => {
    expect(following(daily("02:30", "Europe/Berlin"), "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  test("runs at the end of the gap: America/New_York 02:30 at 03:00", () => {
    expect(following(daily("02:30", "America/New_York"), "2026-03-07T12:00:00Z", 2)).toEqual([
      "2026-03-08T07:00:00.000Z",
      "2026-03-09T06:30:00.000Z",
    ]);
  });

  test("runs at the end of a gap of 30 minutes: Australia/Lord_Howe 02:15 at 02:30", () => {
    expect(following(daily("02:15", "Australia/Lord_Howe"), "2026-10-03T00:00:00Z", 2)).toEqual([
      "2026-10-03T15:30:00.000Z",
      "2026-10-04T15:15:00.000Z",
    ]);
  });

  test.each([
    ["Europe/Berlin", "02:30", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"],
    ["America/New_York", "01:30", "2026-10-31T12:00:00Z", "2026-11-01T05:30:00.000Z", "2026-11-02T06:30:00.000Z"],
    ["Australia/Lord_Howe", "01:45", "2026-04-04T00:00:00Z", "2026-04-04T14:45:00.000Z", "2026-04-05T15:15:00.000Z"],
  ])("runs once, the first time, when the hour repeats: %s", (zone, time, after, first, second) => {
    expect(following(daily(time, zone), after, 2)).toEqual([first, second]);
  });

  test("leaves out a day whose gap ends at midnight: America/Nuuk 23:30", () => {
    expect(following(daily("23:30", "America/Nuuk"), "2026-03-27T12:00:00Z", 2)).toEqual([
      "2026-03-28T01:30:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  test("keeps a zone with a quarter of an hour", () => {
    expect(following(daily("05:30", "Asia/Kathmandu"), "2026-04-03T00:00:00Z", 1)).toEqual([
      "2026-04-03T23:45:00.000Z",
    ]);
  });
});

test("a cron of intervals runs in both passes of a repeated hour and not in a gap", () => {
  expect(following(cron("0 2 * * *", "Europe/Berlin"), "2026-10-24T22:00:00Z", 1)).toEqual([
    "2026-10-25T00:00:00.000Z",
  ]);
  expect(following(cron("*/30 * * * *", "Europe/Berlin"), "2026-10-24T23:59:00Z", 5)).toEqual([
    "2026-10-25T00:00:00.000Z",
    "2026-10-25T00:30:00.000Z",
    "2026-10-25T01:00:00.000Z",
    "2026-10-25T01:30:00.000Z",
    "2026-10-25T02:00:00.000Z",
  ]);
  expect(following(cron("*/30 2 * * *", "Europe/Berlin"), "2026-03-28T12:00:00Z", 1)).toEqual([
    "2026-03-30T00:00:00.000Z",
  ]);
});
