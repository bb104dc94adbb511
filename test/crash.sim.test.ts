/**
 * 10,000 simulated crashes: before and after every store call of scripted runs that use every feature, and at random in
 * scripts made up from a seed. A failing seed is replayed with `PERDURE_SIM_SEED=… npx vitest run test/crash.sim.test.ts`.
 */

import { describe, expect, test } from "vitest";

import type { CrashTally } from "../src/testing/simulation/crash-plan.ts";
import { crashAtRandom, crashCount, crashEverywhere, createTally } from "../src/testing/simulation/crash-plan.ts";
import { RICH_SCRIPTS } from "../src/testing/simulation/rich-scripts.ts";

const CRASHES = 10_000;
const RUNS_PER_SEED = 4;
const FEWEST_SEEDS = 40;
const TIMEOUT_MS = 600_000;

const replayed = process.env.PERDURE_SIM_SEED;

describe.skipIf(replayed !== undefined)("simulated crashes", () => {
  const tally = createTally();
  const startedAt = performance.now();

  for (const [name, script] of Object.entries(RICH_SCRIPTS)) {
    test(
      `leave all invariants true at every store call of: ${name}`,
      async () => await crashEverywhere(name, script, tally),
      TIMEOUT_MS,
    );
  }

  test(
    `leave all invariants true at random, ${CRASHES} in all`,
    async () => {
      for (let seed = 1; seed <= FEWEST_SEEDS || crashCount(tally) < CRASHES; seed++) await crashSeed(seed, tally);
      report(tally, (performance.now() - startedAt) / 1_000);
      expect(crashCount(tally)).toBeGreaterThanOrEqual(CRASHES);
    },
    TIMEOUT_MS,
  );
});

describe.runIf(replayed !== undefined)("a simulated crash replayed", () => {
  test(`seed ${replayed}`, async () => await crashSeed(Number(replayed), createTally()), TIMEOUT_MS);
});

async function crashSeed(seed: number, tally: CrashTally): Promise<void> {
  try {
    await crashAtRandom(seed, RUNS_PER_SEED, tally);
  } catch (error) {
    process.stderr.write(`replay: PERDURE_SIM_SEED=${seed} npx vitest run test/crash.sim.test.ts\n`);
    throw error;
  }
}

function report({ runs, strikes }: CrashTally, seconds: number): void {
  const kinds = [...strikes].toSorted(([, a], [, b]) => b - a).map(([kind, count]) => `  ${count} × ${kind}`);
  const total = [...strikes.values()].reduce((sum, count) => sum + count, 0);
  process.stdout.write(`${total} simulated crashes in ${runs} runs, ${seconds.toFixed(1)} s:\n${kinds.join("\n")}\n`);
}
