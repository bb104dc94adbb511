/** Tasks done by force, one after another: the order is kept as if a plan had been read in which they were ticked. */

import fc from "fast-check";
import { expect, test } from "vitest";

import { seededRandom } from "../base/random.ts";
import type { PlacedTask } from "../domain/done-out-of-turn.ts";
import { comesAfter } from "../domain/done-out-of-turn.ts";
import { aSession, aTask } from "../testing/builders.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { createTasks } from "./commands/create-tasks.ts";
import { createSession } from "./commands/sessions.ts";
import { finishTask } from "./commands/task-actions.ts";
import { getTask } from "./commands/task-queries.ts";
import { openSqliteStore } from "./sqlite/sqlite-store.ts";

const MOST = 9;
const aPlace = fc.record({
  said: fc.array(fc.nat(MOST - 2), { maxLength: 1 }),
  byPlace: fc.array(fc.nat(MOST - 2), { maxLength: 3 }),
  parent: fc.option(fc.nat(MOST - 1)),
});
const aPlan = fc.record({
  places: fc.array(aPlace, { minLength: 4, maxLength: MOST }),
  forced: fc.array(fc.nat(MOST - 1), { minLength: 1, maxLength: 6 }),
});

/** Each needs some before it, and may be a part of one behind it. */
function placed({ places }: typeof aPlan extends fc.Arbitrary<infer T> ? T : never): readonly PlacedTask[] {
  return places.map(({ said, byPlace, parent }, at) => {
    const before = (needs: readonly number[]): string[] => needs.filter((need) => need < at).map(String);
    const needsByPlace = before([...new Set(byPlace)].filter((need) => !said.includes(need)));
    const parentKey = parent !== null && parent > at && parent < places.length ? String(parent) : null;
    return { key: String(at), parentKey, needs: [...before(said), ...needsByPlace], needsByPlace, schedule: null };
  });
}

test("what is open waits for the same as by the plan", async () => {
  await fc.assert(
    fc.asyncProperty(aPlan, async (plan) => {
      const tasks = placed(plan);
      const deps = { clock: fakeClock(), random: seededRandom(1) };
      const store = openSqliteStore({ path: ":memory:", projectName: "test", actor: "test", ...deps });
      const session = await store.execute(createSession, aSession());
      const sketches = tasks.map(({ key, parentKey, needs, needsByPlace }) =>
        aTask({ ref: key, parent: parentKey, needs, needsByPlace, executor: "manual" }),
      );
      const created = await store.execute(createTasks, { sessionId: session.id, tasks: sketches });
      const idOf = new Map(created.map(({ id, key }) => [key ?? "", id]));
      const keyOf = new Map(created.map(({ id, key }) => [id, key ?? ""]));
      const done = new Set<string>();
      for (const key of plan.forced.map(String)) {
        const taskId = idOf.get(key);
        if (taskId === undefined || done.has(key)) continue;
        const outcome = { status: "completed", result: null } as const;
        await store.execute(finishTask, { taskId, outcome, next: null, evenIfBlocked: true });
        done.add(key);
        const after = comesAfter(tasks, (one) => done.has(one));
        for (const [one, id] of idOf) {
          if (done.has(one)) continue;
          const task = await store.execute(getTask, { taskId: id });
          const order = task.comesAfter.map((other) => keyOf.get(other) ?? "").filter((other) => !done.has(other));
          expect([one, new Set(order)]).toEqual([one, new Set(after.get(one))]);
        }
      }
      await store.close();
    }),
    { numRuns: 150, interruptAfterTimeLimit: 10_000 },
  );
}, 20_000);
