import { describe, expect, it } from "vitest";

import { seededRandom } from "../base/random.ts";
import type { Run } from "../engine/run.ts";
import { workplaces } from "../engine/testing/workplace.ts";
import { dumpTables } from "../testing/table-dump.ts";
import { brief } from "./brief.ts";
import { runOperation } from "./operation.ts";
import { expectTrue } from "./testing/check-brief.ts";
import { aProject } from "./testing/project.ts";

const { open } = workplaces();
const TASKS = 6;
const KEYS = Array.from({ length: TASKS }, (_, index) => `t${index}`);

describe("a brief of work whose processes are killed again and again", () => {
  it.each(Array.from({ length: 10 }, (_, index) => index + 1))(
    "names at every moment what is done, which step is reached and what is next (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const place = await open();
      const code = async (run: Run): Promise<string> => {
        for (let step = 0; step < 3; step += 1) {
          await run.step(`step ${step}`, () => new Promise<void>((done) => place.clock.setTimer(700, done)));
          if (step === 1 && run.attempt === 1 && random.next() < 0.3) throw new Error("Not at first");
        }
        return "done";
      };
      for (const [index, key] of KEYS.entries()) {
        const needs = index > 1 ? [KEYS[Math.floor(random.next() * index)] ?? "t0"] : [];
        await place.add(key, code, { needs, priority: 1 + (index % 3) });
      }
      const alive = new Set<number>();
      const host = {
        id: "here",
        pid: 99,
        startToken: "t",
        startTokenOf: (pid: number) => (alive.has(pid) ? `started-${pid}` : null),
      };
      const context = { ...aProject(), store: place.store, clock: place.clock, host };
      const reached = new Set<string>();
      for (let process = 1; process <= 12; process += 1) {
        alive.add(process);
        await place.work({ process, concurrency: 2 });
        await place.pass(200 + Math.floor(random.next() * 2_500));
        if (process < 12) {
          place.kill(process);
          alive.delete(process);
        }
        const told = await runOperation(brief, context, { input: { tokens: 150 + Math.floor(random.next() * 900) } });
        const scope = { sessionId: place.session.id, now: place.clock.now() };
        const read = expectTrue(told.text, { tables: await dumpTables(place.store), ...scope });
        // Nobody is left to work on what was running, and the brief says so.
        if (process < 12) expect(told.now.every(({ stopped }) => stopped)).toBe(true);
        for (const { step } of read.lists.get("Now")?.items ?? []) if (step !== null) reached.add(step.name);
      }
      await place.finish(...KEYS);
      const told = await runOperation(brief, context, { input: {} });
      expect(told.counts).toMatchObject({ completed: TASKS });
      expect(reached.size).toBeGreaterThan(0);
    },
    60_000,
  );
});
