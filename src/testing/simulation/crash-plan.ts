/** Simulated runs in bulk: every crash point of a script, or as many as it takes at random; each compared with an undisturbed run. */

import { seededRandom } from "../../base/random.ts";
import { messageOf } from "../../base/errors.ts";
import type { Script } from "./script.ts";
import { cancellable } from "./script.ts";
import { randomScript } from "./random-script.ts";
import type { Simulated, TaskEnd } from "./simulate.ts";
import { simulate } from "./simulate.ts";
import type { Fault, FaultMode } from "./simulated-process.ts";

/** What simulated runs have shown so far. */
export interface CrashTally {
  runs: number;
  /** By what struck a process: `death at record-step`. */
  readonly strikes: Map<string, number>;
}

export function createTally(): CrashTally {
  return { runs: 0, strikes: new Map() };
}

export function crashCount({ strikes }: CrashTally): number {
  return [...strikes.values()].reduce((sum, strikeCount) => sum + strikeCount, 0);
}

const MODES: readonly [FaultMode, ...FaultMode[]] = ["before", "lost", "after"];
/** Processes of one random run that are struck; the next ones are spared, so that every run ends. */
const MOST_STRIKES = 14;

/**
 * Strikes the first process of `script` at each of its store calls in each way, and later ones at random.
 *
 * @throws Error naming the script, the call and the way when something does not hold.
 */
export async function crashEverywhere(name: string, script: Script, tally: CrashTally): Promise<void> {
  const expected = await simulate({ script, seed: 1, faultOf: () => null });
  for (let atCall = 1; atCall <= expected.callCount; atCall++) {
    for (const mode of [...MODES, "pause"] as const) {
      const random = seededRandom(atCall);
      const faultOf = (index: number): Fault | null => {
        if (index === 0) return { atCall, mode };
        return index < 6 ? { atCall: 4 + Math.floor(random.next() * 30), mode: pickMode(random.next()) } : null;
      };
      await named(`${name}: ${mode} call ${atCall}`, async () => {
        compareEnds(script, expected, await counted(tally, simulate({ script, seed: 1, faultOf })));
      });
    }
  }
}

/**
 * Runs the script of `seed` undisturbed and then `runs` times with processes struck at random.
 *
 * @throws Error naming the seed when something does not hold.
 */
export async function crashAtRandom(seed: number, runs: number, tally: CrashTally): Promise<void> {
  await crashScriptAtRandom(randomScript(seed), { seed, runs, tally });
}

export interface RandomCrashes {
  readonly seed: number;
  readonly runs: number;
  readonly tally: CrashTally;
}

/** As `crashAtRandom`, with a script of one's own. */
export async function crashScriptAtRandom(script: Script, { seed, runs, tally }: RandomCrashes): Promise<void> {
  // A process that is paused exceeds time limits, as it should, and that costs retries.
  const isTimedScript = /"(overtime|slow)"/.test(JSON.stringify(script));
  const expected = await named(`seed ${seed}, undisturbed`, () => simulate({ script, seed, faultOf: () => null }));
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(seed * 1_000 + run);
    const plan = Array.from({ length: MOST_STRIKES }, (_, index): Fault => {
      // Later lives are longer, or a run would die at its first calls for ever.
      const span = 8 + index * 3;
      const mode = random.next() < 0.08 && !isTimedScript ? "pause" : pickMode(random.next());
      return { atCall: 1 + Math.floor(random.next() * span), mode };
    });
    await named(`seed ${seed}, run ${run} of its crashes ${JSON.stringify(plan)}`, async () => {
      const crashed = simulate({ script, seed: seed + run, faultOf: (index) => plan[index] ?? null });
      compareEnds(script, expected, await counted(tally, crashed));
    });
  }
}

function pickMode(chance: number): FaultMode {
  return MODES[Math.floor(chance * MODES.length)] ?? MODES[0];
}

async function counted(tally: CrashTally, simulating: Promise<Simulated>): Promise<Simulated> {
  const simulated = await simulating;
  tally.runs += 1;
  for (const strike of simulated.strikes) tally.strikes.set(strike, (tally.strikes.get(strike) ?? 0) + 1);
  return simulated;
}

async function named<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new Error(`${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** Crashes change nothing about how a task ends, and cost it no retry. */
function compareEnds(script: Script, expected: Simulated, actual: Simulated): void {
  const left = cancellable(script);
  const recurring = new Set(script.tasks.filter((task) => task.schedule !== null).map((task) => task.title));
  for (const [title, end] of Object.entries(expected.ends)) {
    if (left.has(title) || recurring.has(title)) continue;
    const found: TaskEnd | undefined = actual.ends[title];
    if (JSON.stringify(found) === JSON.stringify(end)) continue;
    throw new Error(
      `task ${title} ends as ${JSON.stringify(found)} and not as without crashes: ${JSON.stringify(end)}`,
    );
  }
}
