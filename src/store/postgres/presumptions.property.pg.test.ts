/**
 * Random workloads of two stores whose claims stand by, so that they take what is made with them and go by what is remembered:
 * the tables stay consistent and are what the log alone rebuilds.
 */

import { expect, test } from "vitest";

import { isPerdureError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { seededRandom } from "../../base/random.ts";
import { asId } from "../../domain/ids.ts";
import type { WorkerId } from "../../domain/ids.ts";
import { createSuite } from "../../testing/store-suite/bench.ts";
import { faultsIn } from "../../testing/store-suite/consistency.ts";
import { readLog } from "../../testing/store-suite/log-suite.ts";
import type { Act, ActKind, Player } from "../../testing/store-suite/workload.ts";
import { createPlayer, playAct, randomActs } from "../../testing/store-suite/workload.ts";
import { dumpState, dumpTables, withoutCoordination } from "../../testing/table-dump.ts";
import { claimTasks } from "../commands/claims.ts";
import { rebuildFromChanges } from "../rebuild.ts";
import { Standby } from "../standby.ts";
import { postgresStores } from "./testing/postgres-suite.ts";
import { TransactionPresumptions } from "./transaction-presumptions.ts";

const suite = createSuite(postgresStores({ name: "postgres", parameters: "" }));
const ACTS = 150;

let recalled = 0;
const { recallRunning } = TransactionPresumptions.prototype;
TransactionPresumptions.prototype.recallRunning = function counted(this: TransactionPresumptions, executionId) {
  const running = recallRunning.call(this, executionId);
  if (running !== undefined) recalled += 1;
  return running;
};

test.each(suite.seeds(4))(
  "consistent, and equal to what the log rebuilds (seed %i)",
  { timeout: 60_000 },
  async (seed) => {
    const random = seededRandom(seed);
    const first = await suite.open();
    const [one, other] = [createPlayer(first), createPlayer(await first.second())];
    const acts = randomActs(random, ACTS).map((act) => ({ ...act, kind: kindOf(act, random) }));
    for (const act of acts.filter(isWithoutLimits)) {
      const player = random.next() < 0.98 ? one : other;
      await claimingAlong(player, random.next() < 0.7, () => playAct(player, act));
      expect(faultsIn(await dumpState(first.store)), `after ${JSON.stringify(act)}`).toEqual([]);
    }
    const rebuilt = await suite.openEmpty();
    await rebuilt.execute(rebuildFromChanges, { changes: await readLog(first.store) });
    expect(withoutCoordination(await dumpTables(rebuilt))).toEqual(withoutCoordination(await dumpTables(first.store)));
  },
);

test("what is remembered was gone by", () => {
  expect(recalled).toBeGreaterThan(5);
});

/** Most of what a store goes by comes from making tasks and ending them. */
function kindOf({ kind }: Act, random: Random): ActKind {
  const draw = random.next();
  if (draw < 0.4) return "create";
  return draw < 0.7 ? "complete" : kind;
}

/** Where any task has labels or is under a limit, claims look. */
function isWithoutLimits({ kind, picks: [one, , three] }: Act): boolean {
  if (kind === "edit") return one % 3 !== 0;
  return (kind !== "create" && kind !== "add-part") || (three % 5 !== 0 && three % 4 !== 0);
}

/** Has a claim stand by meanwhile, that of a worker whose lease may have run out. */
async function claimingAlong(player: Player, isClaiming: boolean, act: () => Promise<void>): Promise<void> {
  if (!isClaiming) return await act();
  const standby = new Standby();
  const input = {
    workerId: asId<WorkerId>("w1"),
    executors: ["function", "manual"],
    sessionId: null,
    limit: 10,
  };
  const claiming = player.bench.store.execute(claimTasks, input, { standby }).then(
    ({ claimed }) => player.holds.push(...claimed),
    (error: unknown) => {
      if (!isPerdureError(error)) throw error;
    },
  );
  await act();
  standby.go();
  await claiming;
}
