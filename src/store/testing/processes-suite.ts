/** What holds of a store that several processes share, and of one whose process is killed: for every store of files. */

import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import { seededRandom } from "../../base/random.ts";
import { aSession, aTask, aWorker } from "../../testing/builders.ts";
import { faultsIn } from "../../testing/store-suite/consistency.ts";
import { dumpTables } from "../../testing/table-dump.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { createSession, renameSession } from "../commands/sessions.ts";
import { registerWorker } from "../commands/workers.ts";
import { linesOf, startChild } from "./child.ts";
import { openPlaceForTest } from "./open-for-test.ts";

export interface ProcessesSuite {
  /** Of the test that runs: where there is no store yet. */
  readonly place: () => string;
  /** Until four processes have started and opened it. */
  readonly startUpMs: number;
  /** Of 400 tasks, what each of four processes gets at least. */
  readonly leastShare: number;
}

export function processesSuite({ place, startUpMs, leastShare }: ProcessesSuite): void {
  describe("four processes that share one store", () => {
    it("claim every task exactly once, and none starves", async () => {
      const workers = ["w1", "w2", "w3", "w4"];
      const store = await openPlaceForTest(place(), { durability: "normal" });
      const session = await store.execute(createSession, aSession());
      for (const worker of workers) await store.execute(registerWorker, aWorker(worker));
      const refs = Array.from({ length: 400 }, (_, index) => `t${index}`);
      await store.execute(createTasks, { sessionId: session.id, tasks: refs.map((ref) => aTask({ ref })) });

      const startAt = String(Date.now() + startUpMs);
      const children = workers.map((worker) => linesOf(startChild("claimer", place(), worker, startAt)));
      const shares = (await Promise.all(children)).map((lines) => JSON.parse(lines.join("")) as string[]);

      expect(shares.flat().toSorted()).toEqual(refs.toSorted());
      for (const share of shares) expect(share.length).toBeGreaterThanOrEqual(leastShare);
      expect(faultsIn(await dumpTables(store))).toEqual([]);
      await store.close();
    }, 30_000);
  });

  describe("a process killed with SIGKILL", () => {
    it("loses nothing that was acknowledged, at 24 random moments (INV-1)", async () => {
      const seed = Date.now() % 1_000_000;
      const random = seededRandom(seed);
      const store = await openPlaceForTest(place());
      const session = await store.execute(createSession, aSession({ maxUnfinished: 1_000_000 }));
      await store.close();
      const acknowledged: string[] = [];

      for (let round = 0; round < 24; round++) {
        // Values that are kept apart from their rows, in every third round.
        const child = startChild("writer", place(), session.id, String(round), round % 3 === 0 ? "70000" : "10");
        const lines = linesOf(child);
        const [killed] = await Promise.all([killAfterFirstLine(child, random.next() * 60), lines]);
        expect(killed, `round ${round} of seed ${seed}`).toBe(true);
        acknowledged.push(...(await lines));
      }

      const survivor = await openPlaceForTest(place());
      const tables = await dumpTables(survivor);
      const present = new Set((tables.tasks ?? []).map((task) => task.key));
      expect(acknowledged.length).toBeGreaterThan(24);
      expect(
        acknowledged.filter((key) => !present.has(key)),
        `seed ${seed}`,
      ).toEqual([]);
      expect(faultsIn(tables)).toEqual([]);
      expect((await survivor.inspect?.())?.problems).toEqual([]);
      await survivor.close();
    }, 90_000);
  });

  describe("onCommit", () => {
    it("hears of commits by another process soon", async () => {
      const store = await openPlaceForTest(place());
      const session = await store.execute(createSession, aSession());
      const child = startChild("listener", place());
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      await lines.next();

      const delays: number[] = [];
      for (let round = 0; round < 15; round++) {
        // Longer than the gap in which commits count as one.
        await sleep(20);
        await store.execute(renameSession, { sessionId: session.id, name: `name ${round}` });
        const committedAt = Date.now();
        const heard = await lines.next();
        delays.push(Number(heard.value) - committedAt);
      }
      child.kill("SIGKILL");
      await store.close();

      const sorted = delays.toSorted((a, b) => a - b);
      expect(sorted[7], `median of ${sorted.join(", ")} ms`).toBeLessThan(50);
      expect(sorted.at(-1)).toBeLessThan(1_500);
    }, 20_000);
  });
}

/** Kills a process some time after it has begun to print. */
async function killAfterFirstLine(child: ReturnType<typeof startChild>, delayMs: number): Promise<boolean> {
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await sleep(delayMs);
  return child.kill("SIGKILL");
}
