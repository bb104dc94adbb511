/** Random fleets on a store: whatever they do, limits hold at every instant, nothing starves and everything ends. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { seededRandom } from "../base/random.ts";
import { asId } from "../domain/ids.ts";
import type { WorkerId } from "../domain/ids.ts";
import { hasAllLabels } from "../domain/labels.ts";
import type { LimitRule, TaskLimit } from "../domain/task-limit.ts";
import { limitsOn } from "../domain/task-limit.ts";
import type { Claimed } from "../store/commands/claim-row.ts";
import { createTasks } from "../store/commands/create-tasks.ts";
import { completeExecution, failAttempt, releaseHold, suspendExecution } from "../store/commands/executions.ts";
import { setLimitRules } from "../store/commands/limit-rules.ts";
import { createSession } from "../store/commands/sessions.ts";
import { recoverWorkers, registerWorker } from "../store/commands/workers.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import { aSession, aTask, aWorker } from "./builders.ts";
import { fakeClock } from "./fake-clock.ts";
import { faultsIn } from "./store-suite/consistency.ts";
import { claimAndLookAhead } from "./store-suite/bench.ts";
import { dumpTables } from "./table-dump.ts";

/** By key: what every task of it says. */
const KEYS: readonly TaskLimit[] = [
  { key: "one", concurrency: 1, rate: null },
  { key: "two", concurrency: 2, rate: null },
  { key: "slow", concurrency: null, rate: { count: 3, perMs: 400 } },
  { key: "both", concurrency: 2, rate: { count: 4, perMs: 700 } },
  { key: "ruled", concurrency: 2, rate: null },
];
const RULES: readonly LimitRule[] = [
  { subject: "executor", pattern: "tool", concurrency: 4, rate: { count: 6, perMs: 300 } },
  { subject: "label", pattern: "gpu", concurrency: 2, rate: null },
  { subject: "key", pattern: "rul*", concurrency: 3, rate: null },
];

const aSketch = fc.record({
  key: fc.option(fc.nat(KEYS.length - 1), { freq: 4 }),
  executor: fc.constantFrom("function", "tool"),
  labels: fc.constantFrom([], [], ["gpu"], ["gpu", "linux"]),
  priority: fc.integer({ min: 1, max: 3 }),
  delayMs: fc.oneof(fc.constant(0), fc.nat(500)),
  session: fc.nat(1),
});
/** `end` is how a run ends, by turns. */
const anAct = fc.record({
  act: fc.constantFrom("claim", "claim", "claim", "complete", "complete", "fail", "release", "suspend", "die", "pass"),
  worker: fc.nat(3),
  pick: fc.nat(50),
});

const WORKERS = [
  { id: "w0", labels: [], executors: ["function", "tool"] },
  { id: "w1", labels: ["gpu"], executors: ["tool"] },
  { id: "w2", labels: ["gpu", "linux"], executors: ["function", "tool"] },
  { id: "w3", labels: [], executors: ["function"] },
] as const;

interface Start {
  readonly at: number;
  readonly limits: readonly string[];
}

describe("a random fleet", () => {
  test("never exceeds a limit, starts what it may, and ends everything", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(aSketch, { minLength: 5, maxLength: 40 }),
        fc.array(anAct, { maxLength: 80 }),
        fc.boolean(),
        fc.nat(),
        async (sketches, acts, hasRules, seed) => {
          const rules = hasRules ? RULES : [];
          const clock = fakeClock();
          const random = seededRandom(seed);
          const store = openSqliteStore({ path: ":memory:", projectName: "fleet", actor: "test", clock, random });
          try {
            for (const { id } of WORKERS) await store.execute(registerWorker, aWorker(id, { leaseMs: 1e9 }));
            await store.execute(setLimitRules, { rules });
            const sessions = [
              await store.execute(createSession, aSession({ name: "a" })),
              await store.execute(createSession, aSession({ name: "b" })),
            ];
            for (const [at, sketch] of sketches.entries()) {
              const { id: sessionId } = sessions[sketch.session] ?? {};
              if (sessionId === undefined) continue;
              const { executor, labels, priority } = sketch;
              const limit = sketch.key === null ? null : (KEYS[sketch.key] ?? null);
              const runAt = clock.now() + sketch.delayMs;
              const task = aTask({ ref: `t${at}`, executor, labels, priority, limit, runAt });
              await store.execute(createTasks, { sessionId, tasks: [task] });
            }
            const running = new Map<string, { readonly claimed: Claimed; readonly worker: number }>();
            const starts: Start[] = [];

            const check = (claimed: Claimed, worker: number): void => {
              const { task } = claimed;
              const offered = new Set<string>(WORKERS[worker]?.labels);
              expect(hasAllLabels(offered, task.labels)).toBe(true);
              const limits = limitsOn(task, rules);
              starts.push({ at: clock.now(), limits: limits.map(({ id }) => id) });
              running.set(claimed.execution.id, { claimed, worker });
              for (const { id, concurrency, rate } of limits) {
                const now = [...running.values()].filter(({ claimed: { task: other } }) =>
                  limitsOn(other, rules).some((limit) => limit.id === id),
                );
                if (concurrency !== null) expect(now.length, `${id} at once`).toBeLessThanOrEqual(concurrency);
                if (rate === null) continue;
                const inWindow = starts.filter(
                  (start) => start.limits.includes(id) && start.at > clock.now() - rate.perMs,
                );
                expect(inWindow.length, `${id} in a window`).toBeLessThanOrEqual(rate.count);
              }
            };
            const claim = async (worker: number, limit: number): Promise<number | null> => {
              const { executors = [], labels = [] } = WORKERS[worker] ?? {};
              const input = { workerId: asId<WorkerId>(`w${worker}`), executors, labels, sessionId: null, limit };
              for (;;) {
                const result = await claimAndLookAhead(store, input);
                for (const claimed of result.claimed) check(claimed, worker);
                if (!result.isMoreReady || result.claimed.length > 0) return result.nextDueAt;
              }
            };
            const end = async (act: string, pick: number): Promise<void> => {
              const held = [...running.values()][pick % Math.max(1, running.size)];
              if (held === undefined) return;
              const { execution } = held.claimed;
              const hold = { executionId: execution.id, fence: execution.fence };
              running.delete(execution.id);
              const error = { code: "boom", message: "no" };
              if (act === "complete") await store.execute(completeExecution, { hold, result: null, next: null });
              else if (act === "fail")
                await store.execute(failAttempt, {
                  hold,
                  error,
                  retryAt: clock.now() + (pick % 90),
                  handledSteps: [],
                  next: null,
                });
              else if (act === "release") await store.execute(releaseHold, { hold, why: "test" });
              else
                await store.execute(suspendExecution, { hold, waits: [{ type: "sleep", wakeAt: clock.now() + pick }] });
            };

            for (const { act, worker, pick } of acts) {
              if (act === "claim") await claim(worker, (pick % 4) + 1);
              else if (act === "pass") clock.advance(pick * 4);
              else if (act === "die") {
                await store.execute(recoverWorkers, { dead: [{ id: asId<WorkerId>(`w${worker}`), why: "gone" }] });
                await store.execute(registerWorker, aWorker(`w${worker}`, { leaseMs: 1e9 }));
                for (const [id, held] of running) if (held.worker === worker) running.delete(id);
              } else await end(act, pick);
            }
            // The tables do not tell that a rule allows more of a key than its tasks say.
            const faults = faultsIn(await dumpTables(store)).filter((fault) => !fault.includes("key ruled"));
            expect(faults).toEqual([]);

            // From now on workers take what they may and complete it; time passes only when nobody gets anything.
            for (let rounds = 0; ; rounds++) {
              expect(rounds, "rounds until everything has ended").toBeLessThan(2_000);
              const dues: (number | null)[] = [];
              for (const worker of WORKERS.keys()) dues.push(await claim(worker, 3));
              if (running.size > 0) {
                while (running.size > 0) await end("complete", 0);
                continue;
              }
              const due = dues.filter((at) => at !== null);
              if (due.length === 0) break;
              clock.advanceTo(Math.max(clock.now() + 1, Math.min(...due)));
            }
            const tables = await dumpTables(store);
            expect((tables.tasks ?? []).filter(({ status }) => status !== "completed")).toEqual([]);
            expect(faultsIn(tables)).toEqual([]);
          } finally {
            await store.close();
          }
        },
      ),
      { numRuns: Number(process.env.FLEET_RUNS ?? 60) },
    );
  }, 300_000);
});
