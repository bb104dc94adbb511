/** Recurring tasks end to end: through the store and a worker, by the clock. */

import { describe, expect, it } from "vitest";

import { firstDueAt } from "../domain/schedule-rules.ts";
import type { Schedule } from "../domain/schedule.ts";
import type { TaskSketch } from "../testing/builders.ts";
import { listChanges } from "../store/commands/changes.ts";
import type { Workplace } from "./testing/workplace.ts";
import { workplaces } from "./testing/workplace.ts";

const { open } = workplaces();
const HOUR = 3_600_000;

async function recurring(
  place: Workplace,
  schedule: Schedule,
  { takesMs = 0, ...sketch }: Partial<TaskSketch> & { readonly takesMs?: number } = {},
): Promise<string[]> {
  const ranAt: string[] = [];
  const code = async (): Promise<void> => {
    ranAt.push(new Date(place.clock.now()).toISOString());
    if (takesMs > 0) await new Promise<void>((resolve) => place.clock.setTimer(takesMs, resolve));
  };
  const due = firstDueAt(schedule, place.clock.now());
  await place.add("tick", code, { schedule, scheduledFor: due, runAt: due, ...sketch });
  return ranAt;
}

const times = (ranAt: readonly string[]): readonly string[] => ranAt.map((at) => at.slice(11, 19));

describe("a recurring task", () => {
  it("runs each interval without drifting, however long it takes", async () => {
    const place = await open();
    const ranAt = await recurring(place, { type: "every", intervalMs: 60_000 }, { takesMs: 20_000 });
    await place.work();
    await place.pass(200_000);
    expect(times(ranAt)).toEqual(["10:00:00", "10:01:00", "10:02:00", "10:03:00"]);
  });

  it("keeps to the wall clock across a change to summer time", async () => {
    const place = await open();
    place.clock.advanceTo(Date.parse("2026-03-28T00:00:00Z"));
    const ranAt = await recurring(place, { type: "daily", time: "09:00", timezone: "Europe/Berlin" });
    await place.work({ leaseMs: 4 * HOUR, heartbeatMs: HOUR });
    for (let hour = 0; hour < 48; hour++) await place.pass(HOUR);
    expect(ranAt).toEqual(["2026-03-28T08:00:00.000Z", "2026-03-29T07:00:00.000Z"]);
  }, 60_000);

  it.each([
    ["skip", ["10:00:00", "10:20:00"]],
    ["last", ["10:00:00", "10:17:31", "10:20:00"]],
    ["all", ["10:00:00", "10:17:31", "10:17:31", "10:17:31", "10:20:00"]],
  ] as const)("makes up for what was missed while nothing ran: %s", async (catchUp, expected) => {
    const place = await open();
    const ranAt = await recurring(place, { type: "every", intervalMs: 5 * 60_000 }, { catchUp });
    const worker = await place.work({ process: 1 });
    await place.pass(1_000);
    await worker.stop();
    // 10:05 and 10:10 pass unseen, and 10:15 too: it is late by two and a half minutes.
    place.clock.advance(17 * 60_000 + 30_000);
    await place.work({ process: 2 });
    await place.pass(3 * 60_000);
    expect(times(ranAt)).toEqual(expected);
  });

  it.each([
    ["skip", ["10:00:00", "10:03:00"]],
    ["queue", ["10:00:00", "10:02:30", "10:05:00"]],
  ] as const)("that outlasts its interval goes on as said: %s", async (overlap, expected) => {
    const place = await open();
    const ranAt = await recurring(place, { type: "every", intervalMs: 60_000 }, { overlap, takesMs: 150_000 });
    await place.work();
    await place.pass(310_000);
    expect(times(ranAt)).toEqual(expected);
  });

  it("has an execution of its own for each occurrence, and the log tells what was left out", async () => {
    const place = await open();
    await recurring(place, { type: "every", intervalMs: 60_000 }, { takesMs: 90_000 });
    await place.work();
    await place.pass(130_000);
    const changes = await place.store.execute(listChanges, {
      sessionId: place.session.id,
      taskId: null,
      kind: "await_next_occurrence",
      after: null,
      from: "oldest",
      limit: 10,
    });
    expect(changes.map((change) => change.note)).toEqual(["1 missed occurrences left out"]);
  });

  it("goes on with the next occurrence after one that failed for good", async () => {
    const place = await open();
    let runs = 0;
    const schedule = { type: "every", intervalMs: 60_000 } as const;
    const code = (): string => {
      runs += 1;
      if (runs === 1) throw new Error("no");
      return "fine";
    };
    await place.add("tick", code, { schedule, scheduledFor: place.clock.now(), maxRetries: 0 });
    await place.work();
    await place.pass(61_000);
    expect(runs).toBe(2);
    expect(await place.task("tick")).toMatchObject({ status: "pending", result: "fine" });
  });

  it("whose schedule is over runs its last occurrence late instead of never", async () => {
    const place = await open();
    const ranAt = await recurring(
      place,
      { type: "cron", cron: "0 0 12 20 1 * 2026", timezone: "UTC" },
      { catchUp: "skip" },
    );
    place.clock.advance(24 * HOUR);
    await place.work();
    await place.pass(1_000);
    expect(ranAt).toEqual(["2026-01-21T10:00:00.000Z"]);
    expect((await place.task("tick")).status).toBe("completed");
  });
});
