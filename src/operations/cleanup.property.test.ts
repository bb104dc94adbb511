import { describe, expect, it } from "vitest";

import { seededRandom } from "../base/random.ts";
import type { RetentionConfig } from "../config/config.ts";
import { DEFAULT_CONFIG } from "../config/config.ts";
import type { RawChange } from "../store/rebuild.ts";
import { rebuildFromChanges } from "../store/rebuild.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import type { Bench } from "../testing/store-suite/bench.ts";
import { createSuite } from "../testing/store-suite/bench.ts";
import { readLog } from "../testing/store-suite/log-suite.ts";
import { playActs, randomActs } from "../testing/store-suite/workload.ts";
import { dumpTables, withoutCoordination } from "../testing/table-dump.ts";
import { brief } from "./brief.ts";
import { cleanup } from "./cleanup.ts";
import type { OperationContext } from "./operation.ts";
import { runOperation } from "./operation.ts";
import { status } from "./status.ts";
import { addOccurrences, insertCheckpoint } from "./testing/old-things.ts";
import { aProject } from "./testing/project.ts";

const EVERYTHING_OLD: RetentionConfig = {
  ...DEFAULT_CONFIG.retention,
  executions: 20,
  executionsMs: 0,
  checkpoints: 2,
  checkpointsMs: 0,
  logMs: 0,
};

const suite = createSuite({
  name: "sqlite in memory",
  open: async ({ storeName, ...deps }) => openSqliteStore({ path: ":memory:", projectName: storeName, ...deps }),
  openSecond: null,
});

/** What people and programs go by. */
async function told(context: OperationContext): Promise<unknown> {
  const sessions = (await dumpTables(context.store)).sessions ?? [];
  return await Promise.all(
    sessions.map(async ({ id }) => ({
      brief: (await runOperation(brief, context, { input: { session: String(id), tokens: 2_000 } })).text,
      status: await runOperation(status, context, { input: { session: String(id) } }),
    })),
  );
}

/** Everything that was ever in the log, as a mirror has it. */
async function mirrorOf(mirror: Map<number, RawChange>, bench: Bench): Promise<number> {
  for (const change of await readLog(bench.store)) mirror.set(change.seq, change);
  return Math.max(0, ...mirror.keys());
}

describe("a cleanup", () => {
  it.each(Array.from({ length: 10 }, (_, index) => index + 1))(
    "changes nothing that a brief, a status, a checkpoint or a rebuild with the mirror says (seed %i)",
    async (seed) => {
      const random = seededRandom(seed);
      const bench = await suite.open();
      const mirror = new Map<number, RawChange>();
      let removedCount = 0;
      await addOccurrences(bench, bench.session.id, 25);
      for (let part = 0; part < 5; part += 1) {
        for (const kind of ["automatic", "manual", "automatic", "automatic"]) {
          await playActs(bench, randomActs(random, 8), () => {});
          await bench.store.execute(insertCheckpoint, { sessionId: bench.session.id, kind });
        }
        bench.clock.advance(1);
        const seq = await mirrorOf(mirror, bench);
        const behind = Math.floor(random.next() * 3);
        const context: OperationContext = {
          ...aProject({ retention: EVERYTHING_OLD }),
          store: bench.store,
          clock: bench.clock,
          logMirror: { mirroredSeq: async () => seq - behind, filesInUse: async () => new Set<string>() },
        };
        const before = await told(context);
        const workBefore = await dumpTables(bench.store);
        const { removed } = await cleanup.run(context, { dryRun: false });
        removedCount += removed.changes.count + removed.executions.count + removed.checkpoints.count;

        expect(await told(context)).toEqual(before);
        const tables = await dumpTables(bench.store);
        expect(tables.tasks).toEqual(workBefore.tasks);
        expect(tables.dependencies).toEqual(workBefore.dependencies);
        const log = await readLog(bench.store);
        const logged = new Set(log.map((change) => change.seq));
        const newest = Math.max(...logged);
        const checkpoints = tables.checkpoints ?? [];
        expect(checkpoints.filter(({ kind }) => kind === "manual")).toHaveLength(part + 1);
        for (const { position } of checkpoints) {
          const needed = Array.from({ length: newest - Number(position) + 1 }, (_, index) => Number(position) + index);
          expect(needed.filter((each) => !logged.has(each))).toEqual([]);
        }
        await mirrorOf(mirror, bench);
        const rebuilt = await suite.openEmpty();
        const changes = [...mirror.values()].toSorted((a, b) => a.seq - b.seq);
        await rebuilt.execute(rebuildFromChanges, { changes });
        const { changes: _all, ...original } = withoutCoordination(tables);
        const { changes: _some, ...again } = withoutCoordination(await dumpTables(rebuilt));
        expect(again).toEqual(original);
      }
      expect(removedCount).toBeGreaterThan(0);
    },
    60_000,
  );
});
