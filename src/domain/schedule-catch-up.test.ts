import { describe, expect, test } from "vitest";
import {
  MAX_WAITING_OCCURRENCES,
  planDueOccurrence,
  planNextOccurrence,
  type DueOccurrence,
  type EndedOccurrence,
} from "./schedule-catch-up.ts";

const MINUTE = 60_000;
const everyMinute = { type: "every", intervalMs: MINUTE } as const;

/** An occurrence due at minute 10 of a task that runs every minute, asked for when it is due. */
function aDue(overrides: Partial<DueOccurrence> = {}): DueOccurrence {
  const scheduledFor = overrides.scheduledFor ?? 10 * MINUTE;
  return {
    schedule: everyMinute,
    anchor: 0,
    catchUp: "last",
    scheduledFor,
    runAt: scheduledFor,
    now: scheduledFor,
    ...overrides,
  };
}

/** An occurrence of minute 10 that started on time and ended 5 s later. */
function anEnded(overrides: Partial<EndedOccurrence> = {}): EndedOccurrence {
  return {
    schedule: everyMinute,
    anchor: 0,
    catchUp: "last",
    overlap: "skip",
    lastScheduledFor: 10 * MINUTE,
    lastStartedAt: 10 * MINUTE + 100,
    now: 10 * MINUTE + 5_000,
    ...overrides,
  };
}

describe("planDueOccurrence", () => {
  test.each(["skip", "last", "all"] as const)("runs an occurrence that is on time: %s", (catchUp) => {
    const plan = planDueOccurrence(aDue({ catchUp, now: 10 * MINUTE + 30_000 }));

    expect(plan).toEqual({ scheduledFor: 10 * MINUTE, runAt: 10 * MINUTE, skipped: 0, missedUntil: null });
  });

  describe("when nothing ran from minute 10 to 45 s into minute 14", () => {
    const now = 14 * MINUTE + 45_000;

    test("skip: waits for the next and counts the missed", () => {
      expect(planDueOccurrence(aDue({ catchUp: "skip", now }))).toEqual({
        scheduledFor: 15 * MINUTE,
        runAt: 15 * MINUTE,
        skipped: 5,
        missedUntil: null,
      });
    });

    test("last: runs the newest one", () => {
      expect(planDueOccurrence(aDue({ catchUp: "last", now }))).toEqual({
        scheduledFor: 14 * MINUTE,
        runAt: now,
        skipped: 4,
        missedUntil: null,
      });
    });

    test("all: runs the oldest one, and remembers up to when they were missed", () => {
      expect(planDueOccurrence(aDue({ catchUp: "all", now }))).toEqual({
        scheduledFor: 10 * MINUTE,
        runAt: now,
        skipped: 0,
        missedUntil: now,
      });
    });
  });

  test("skip: runs the newest when that one is on time", () => {
    expect(planDueOccurrence(aDue({ catchUp: "skip", now: 14 * MINUTE + 20_000 }))).toMatchObject({
      scheduledFor: 14 * MINUTE,
      skipped: 4,
    });
  });

  test("skip: a daily occurrence is missed after a minute", () => {
    const schedule = { type: "daily", time: "07:00", timezone: "UTC" } as const;
    const due = aDue({ schedule, catchUp: "skip", scheduledFor: Date.parse("2026-01-20T07:00:00Z") });

    expect(planDueOccurrence({ ...due, now: due.scheduledFor + MINUTE })).toMatchObject({
      scheduledFor: due.scheduledFor,
    });
    expect(planDueOccurrence({ ...due, now: due.scheduledFor + MINUTE + 1 })).toMatchObject({
      scheduledFor: Date.parse("2026-01-21T07:00:00Z"),
      skipped: 1,
    });
  });

  test("an occurrence that was queued is late only by the time since it could start", () => {
    const queued = aDue({ catchUp: "skip", runAt: 13 * MINUTE });

    expect(planDueOccurrence({ ...queued, now: 13 * MINUTE + 10_000 })).toMatchObject({
      scheduledFor: 10 * MINUTE,
      skipped: 0,
    });
    expect(planDueOccurrence({ ...queued, now: 13 * MINUTE + 40_000 })).toMatchObject({ scheduledFor: 14 * MINUTE });
  });

  test("all: caps a year of missed minutes at the newest thousand", () => {
    const now = 10 * MINUTE + 365 * 86_400_000;

    const plan = planDueOccurrence(aDue({ catchUp: "all", now }));

    expect(plan?.scheduledFor).toBe(now - (MAX_WAITING_OCCURRENCES - 1) * MINUTE);
    expect(plan?.skipped).toBe(MAX_WAITING_OCCURRENCES);
  });

  test("all: caps a cron as well", () => {
    const schedule = { type: "cron", cron: "* * * * *", timezone: "Europe/Berlin" } as const;
    const now = 2_000 * MINUTE;

    expect(planDueOccurrence(aDue({ schedule, catchUp: "all", now }))).toMatchObject({
      scheduledFor: (2_000 - MAX_WAITING_OCCURRENCES + 1) * MINUTE,
      skipped: 2_000 - MAX_WAITING_OCCURRENCES + 1 - 10,
    });
  });

  test("a one-shot schedule runs however late", () => {
    const due = aDue({ schedule: { type: "at", at: MINUTE }, catchUp: "skip", scheduledFor: MINUTE, now: 1e9 });

    expect(planDueOccurrence(due)).toMatchObject({ scheduledFor: MINUTE, skipped: 0 });
  });

  test("skip: ends when the schedule has no more", () => {
    const schedule = { type: "cron", cron: "0 0 0 1 1 * 2026", timezone: "UTC" } as const;
    const scheduledFor = Date.UTC(2026, 0, 1);

    expect(
      planDueOccurrence(aDue({ schedule, catchUp: "skip", scheduledFor, now: scheduledFor + 10 * MINUTE })),
    ).toBeNull();
    expect(
      planDueOccurrence(aDue({ schedule, catchUp: "last", scheduledFor, now: scheduledFor + 10 * MINUTE })),
    ).toMatchObject({
      scheduledFor,
    });
  });
});

describe("planNextOccurrence", () => {
  test("is the next of the schedule when the last ended in time", () => {
    expect(planNextOccurrence(anEnded())).toEqual({
      scheduledFor: 11 * MINUTE,
      runAt: 11 * MINUTE,
      skipped: 0,
      missedUntil: null,
    });
  });

  test("skip: leaves out what came due while the last one ran, and counts it", () => {
    expect(planNextOccurrence(anEnded({ overlap: "skip", now: 13 * MINUTE + 1 }))).toEqual({
      scheduledFor: 14 * MINUTE,
      runAt: 14 * MINUTE,
      skipped: 3,
      missedUntil: null,
    });
  });

  test("queue: runs what came due meanwhile one by one, oldest first", () => {
    const now = 13 * MINUTE + 1;
    const first = planNextOccurrence(anEnded({ overlap: "queue", now }));
    const second = planNextOccurrence(
      anEnded({ overlap: "queue", lastScheduledFor: 11 * MINUTE, lastStartedAt: now, now: now + 5_000 }),
    );

    expect(first).toEqual({ scheduledFor: 11 * MINUTE, runAt: now, skipped: 0, missedUntil: null });
    expect(second).toMatchObject({ scheduledFor: 12 * MINUTE, runAt: now + 5_000 });
  });

  test("queue: keeps the newest thousand", () => {
    const now = 5_010 * MINUTE;

    expect(planNextOccurrence(anEnded({ overlap: "queue", now }))).toMatchObject({
      scheduledFor: now - (MAX_WAITING_OCCURRENCES - 1) * MINUTE,
      skipped: MAX_WAITING_OCCURRENCES,
    });
  });

  test("catch-up all: works off the missed ones, then skips what came due meanwhile", () => {
    const missedUntil = 13 * MINUTE + 30_000;
    const common = { catchUp: "all", overlap: "skip", missedUntil } as const;

    const midway = planNextOccurrence(
      anEnded({ ...common, lastScheduledFor: 12 * MINUTE, lastStartedAt: 14 * MINUTE, now: 15 * MINUTE + 1 }),
    );
    const done = planNextOccurrence(
      anEnded({ ...common, lastScheduledFor: 13 * MINUTE, lastStartedAt: 15 * MINUTE + 1, now: 16 * MINUTE + 1 }),
    );

    expect(midway).toEqual({ scheduledFor: 13 * MINUTE, runAt: 15 * MINUTE + 1, skipped: 0, missedUntil });
    expect(done).toEqual({ scheduledFor: 17 * MINUTE, runAt: 17 * MINUTE, skipped: 3, missedUntil: null });
  });

  test("catch-up all: without the remembered instant, what waited when the last one started counts as missed", () => {
    const ended = anEnded({ catchUp: "all", lastStartedAt: 12 * MINUTE + 1, now: 13 * MINUTE + 1 });

    expect(planNextOccurrence(ended)).toMatchObject({ scheduledFor: 11 * MINUTE, skipped: 0 });
    expect(planNextOccurrence({ ...ended, lastScheduledFor: 12 * MINUTE })).toMatchObject({
      scheduledFor: 14 * MINUTE,
      skipped: 1,
    });
  });

  test("is null after a one-shot schedule and after a schedule's last occurrence", () => {
    const lastYear = { type: "cron", cron: "0 0 0 1 1 * 2026", timezone: "UTC" } as const;

    expect(planNextOccurrence(anEnded({ schedule: { type: "in", delayMs: 5 } }))).toBeNull();
    expect(planNextOccurrence(anEnded({ schedule: lastYear, lastScheduledFor: Date.UTC(2026, 0, 1) }))).toBeNull();
  });

  test("a clock that went back changes nothing", () => {
    expect(planNextOccurrence(anEnded({ now: 3 * MINUTE }))).toMatchObject({ scheduledFor: 11 * MINUTE, skipped: 0 });
  });
});
