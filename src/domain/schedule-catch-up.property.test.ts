import fc from "fast-check";
import { expect, test } from "vitest";
import { CATCH_UPS, OVERLAPS, type CatchUp, type Overlap, type Schedule } from "./schedule.ts";
import { planDueOccurrence, planNextOccurrence, type PlannedOccurrence } from "./schedule-catch-up.ts";
import { firstDueAt, occurrencesOf } from "./schedule-rules.ts";

interface Ran {
  readonly scheduledFor: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

interface Life {
  readonly schedule: Schedule;
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  /** Per occurrence: how long nothing runs before it can start, and how long it then takes. */
  readonly turns: readonly { readonly outageMs: number; readonly durationMs: number }[];
}

const ANCHOR = Date.UTC(2026, 2, 28, 20);
const shortTime = fc.integer({ min: 0, max: 50_000 });
const longTime = fc.integer({ min: 0, max: 2_000_000 });
const anyLife: fc.Arbitrary<Life> = fc.record({
  schedule: fc.oneof(
    fc.record({ type: fc.constant("every" as const), intervalMs: fc.integer({ min: 20_000, max: 300_000 }) }),
    fc.constant({ type: "cron" as const, cron: "*/5 * * * *", timezone: "Europe/Berlin" }),
  ),
  catchUp: fc.constantFrom(...CATCH_UPS),
  overlap: fc.constantFrom(...OVERLAPS),
  turns: fc.array(
    fc.record({
      outageMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: longTime }),
      durationMs: fc.oneof({ weight: 3, arbitrary: shortTime }, { weight: 1, arbitrary: longTime }),
    }),
    { minLength: 1, maxLength: 25 },
  ),
});

/** Lives a task's life as the engine does, and says what ran, what was skipped and what would be next. */
function live({ schedule, catchUp, overlap, turns }: Life): { ran: readonly Ran[]; skipped: number; pending: number } {
  const ran: Ran[] = [];
  let skipped = 0;
  let now = ANCHOR;
  const first = firstDueAt(schedule, now) ?? Number.NaN;
  let plan: PlannedOccurrence = { scheduledFor: first, runAt: first, skipped: 0, missedUntil: null };
  const take = (next: PlannedOccurrence | null): void => {
    if (next === null) throw new Error("an endless schedule ended");
    plan = next;
    skipped += next.skipped;
  };
  for (const { outageMs, durationMs } of turns) {
    now = Math.max(now, plan.runAt) + outageMs;
    take(planDueOccurrence({ schedule, anchor: ANCHOR, catchUp, ...plan, now }));
    now = Math.max(now, plan.runAt);
    const lastStartedAt = now;
    now += durationMs;
    const { scheduledFor: lastScheduledFor, missedUntil } = plan;
    ran.push({ scheduledFor: lastScheduledFor, startedAt: lastStartedAt, endedAt: now });
    take(
      planNextOccurrence({
        schedule,
        anchor: ANCHOR,
        catchUp,
        overlap,
        lastScheduledFor,
        lastStartedAt,
        missedUntil,
        now,
      }),
    );
  }
  return { ran, skipped, pending: plan.scheduledFor };
}

test("every occurrence is run once, in order, or counted as skipped", () => {
  fc.assert(
    fc.property(anyLife, (life) => {
      const { ran, skipped, pending } = live(life);

      const occurrences = occurrencesOf(life.schedule, ANCHOR);
      let total = 0;
      for (let at = occurrences.after(ANCHOR - 1); at !== null && at < pending; at = occurrences.after(at)) total++;
      expect(ran.length + skipped).toBe(total);
      for (const [i, { scheduledFor, startedAt }] of ran.entries()) {
        expect(scheduledFor).toBeGreaterThan(ran[i - 1]?.scheduledFor ?? Number.NEGATIVE_INFINITY);
        expect(startedAt).toBeGreaterThanOrEqual(scheduledFor);
      }
    }),
    { numRuns: 300 },
  );
});

test("nothing is skipped when all are caught up on and overlaps queue", () => {
  fc.assert(
    fc.property(anyLife, (life) => {
      expect(live({ ...life, catchUp: "all", overlap: "queue" }).skipped).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test("an occurrence that came due while another ran is never run when overlaps are skipped", () => {
  fc.assert(
    fc.property(anyLife, (life) => {
      // A second outage while missed ones are worked off makes all that wait count as missed.
      const turns = life.turns.map((turn, i) => (i === 0 ? turn : { ...turn, outageMs: 0 }));
      const { ran } = live({ ...life, turns, overlap: "skip" });

      for (const { scheduledFor } of ran) {
        expect(ran.some((other) => other.startedAt < scheduledFor && scheduledFor <= other.endedAt)).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});

test("under skip, nothing starts later than the grace and the outage explain", () => {
  fc.assert(
    fc.property(anyLife, (life) => {
      const { ran } = live({ ...life, catchUp: "skip", overlap: "skip" });

      for (const { scheduledFor, startedAt } of ran) expect(startedAt - scheduledFor).toBeLessThanOrEqual(60_000);
    }),
    { numRuns: 200 },
  );
});
