/** The change log is complete (INV-5): after any workload the tables can be rebuilt from it alone. */

import { describe, expect, it } from "vitest";

import { seededRandom } from "../../base/random.ts";
import type { Store } from "../../store/port.ts";
import type { RawChange } from "../../store/rebuild.ts";
import { readRawChanges, rebuildFromChanges } from "../../store/rebuild.ts";
import { dumpTables, withoutCoordination } from "../table-dump.ts";
import type { Suite } from "./bench.ts";
import { faultsIn } from "./consistency.ts";
import type { Act } from "./workload.ts";
import { playActs, randomActs } from "./workload.ts";

const WORKLOADS = 12;
const ACTS = 120;

export function logSuite(suite: Suite): void {
  describe("random workloads", () => {
    it.each(suite.seeds(WORKLOADS))(
      "leave the tables consistent and equal to what the log alone rebuilds (seed %i)",
      async (seed) => {
        await checkWorkload(suite, randomActs(seededRandom(seed), ACTS));
      },
    );
  });
}

/** Plays a workload, looking after every act whether the tables are consistent, then rebuilds them from the log. */
export async function checkWorkload(suite: Suite, acts: readonly Act[]): Promise<void> {
  const bench = await suite.open();
  await playActs(bench, acts, (tables, act) => {
    expect(faultsIn(tables), `after ${JSON.stringify(act)}`).toEqual([]);
  });
  const rebuilt = await suite.openEmpty();
  const changes = await readLog(bench.store);
  await rebuilt.execute(rebuildFromChanges, { changes });
  const original = withoutCoordination(await dumpTables(bench.store));
  expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(original);
}

/** The whole log of a store, page by page. */
export async function readLog(store: Store): Promise<readonly RawChange[]> {
  const all: RawChange[] = [];
  for (;;) {
    const page = await store.execute(readRawChanges, { after: all.at(-1)?.seq ?? 0, limit: 500 });
    if (page.length === 0) return all;
    all.push(...page);
  }
}
