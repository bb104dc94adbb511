/**
 * Kills the real command line with SIGKILL at random instants, over and over, and continues each time. Effects are counted
 * in a file outside the project: once something is recorded as completed, its effect never happens again (INV-2).
 */

import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";

import type { Random } from "../src/base/random.ts";
import { seededRandom } from "../src/base/random.ts";
import type { KillProject } from "./kill/kill-plan.ts";
import { countEffects, createKillProject, orderProblems } from "./kill/kill-plan.ts";
import type { PerdureProcess } from "./kill/perdure-process.ts";
import { killAll, startPerdure } from "./kill/perdure-process.ts";
import { readRecorded } from "./kill/recorded.ts";

const KILLS = 100;
const seed = Number(process.env.PERDURE_KILL_SEED ?? Math.floor(performance.timeOrigin % 1e9));
const projects: KillProject[] = [];

afterEach(() => {
  killAll();
  for (const project of projects.splice(0)) project.remove();
});

/** Watches that what was once seen recorded is not done again. */
function createWitness(project: KillProject) {
  const seen = new Map<string, number>();
  return {
    look(): void {
      const recorded = readRecorded(project.dir);
      expect(recorded.invariantBreaches).toEqual([]);
      const counts = countEffects(project.effects());
      for (const effect of recorded.effects) {
        const count = counts.get(effect) ?? 0;
        expect(count, `seed ${seed}: ${effect} is recorded and took place`).toBeGreaterThan(0);
        if (!seen.has(effect)) seen.set(effect, count);
        expect(count, `seed ${seed}: ${effect} took place again after it was recorded`).toBe(seen.get(effect));
      }
    },
    recordedEffects: () => seen.size,
  };
}

function newProject(random: Random): KillProject {
  const project = createKillProject(random);
  projects.push(project);
  return project;
}

describe(`killed at random instants (seed ${seed})`, () => {
  test(
    `perdure run › continues after each of ${KILLS} kills, and repeats nothing recorded`,
    { timeout: 240_000 },
    async () => {
      const random = seededRandom(seed);
      const reachMs = await timeToReachWork(random);
      let kills = 0;
      let killsWhileRunning = 0;
      let rounds = 0;
      while (kills < KILLS) {
        rounds += 1;
        const project = newProject(random);
        const witness = createWitness(project);
        // A process may be killed before it took over what the one before it lost; each hold is lost once.
        const lost = new Set<string>();
        for (;;) {
          const isFirst = lost.size === 0;
          const perdure = startPerdure(
            isFirst || random.next() < 0.5
              ? ["run", project.plan, "--project", project.dir]
              : ["resume", "--project", project.dir],
          );
          const killed = await killAfter(perdure, reachMs * (0.25 + random.next() * 1.75));
          if (!killed) {
            expect((await perdure.exited).code, perdure.output()).toBe(0);
            break;
          }
          kills += 1;
          const recorded = readRecordedIfThere(project);
          if (recorded === null) continue;
          for (const hold of recorded.holds) lost.add(hold);
          if (recorded.holds.length > 0) killsWhileRunning += 1;
          witness.look();
          if (recorded.isEndTold) break;
        }
        witness.look();
        const final = readRecorded(project.dir);
        // Also when the last kill came after the last task: the plan is not done all over again.
        expect(final.sessions, `seed ${seed}`).toBe(1);
        expect(final.completedTasks, `seed ${seed}`).toBe(64);
        expect(orderProblems(project), `seed ${seed}`).toEqual([]);
        expect(final.recoveries.length, "the log explains every takeover").toBe(lost.size);
        expect(final.recoveries.every(({ note }) => /is gone|ran out/.test(note))).toBe(true);
        expect(witness.recordedEffects()).toBe(64 + 16 * 4);
      }
      console.log(
        `killed ${kills} times in ${rounds} rounds, ${killsWhileRunning} times with tasks running; seed ${seed}`,
      );
    },
  );

  test(
    `three workers share one file › a random one is killed and replaced, ${KILLS} times`,
    { timeout: 240_000 },
    async () => {
      const random = seededRandom(seed + 1);
      let kills = 0;
      let rounds = 0;
      while (kills < KILLS) {
        rounds += 1;
        const project = newProject(random);
        kills += await shareWork(project, { random, isKilling: true });
        expect(orderProblems(project), `seed ${seed}`).toEqual([]);
      }
      console.log(`killed ${kills} workers in ${rounds} rounds; seed ${seed}`);
    },
  );

  test("three workers share one file › none starves", { timeout: 60_000 }, async () => {
    const random = seededRandom(seed + 2);
    const project = newProject(random);
    await shareWork(project, { random, isKilling: false });
    const shares = [...readRecorded(project.dir).claimsByWorker.values()];
    expect(shares.length).toBe(3);
    expect(Math.min(...shares), `claims by worker: ${shares.join(", ")}`).toBeGreaterThanOrEqual(64 / 10);
    console.log(`claims by worker: ${shares.join(", ")}`);
  });
});

/** Works a project with three workers to its end, killing and replacing a random one again and again. Returns how many were killed. */
async function shareWork(
  project: KillProject,
  { random, isKilling }: { readonly random: Random; readonly isKilling: boolean },
): Promise<number> {
  const submitted = startPerdure(["plan", project.plan, "--project", project.dir]);
  expect((await submitted.exited).code, submitted.output()).toBe(0);
  const witness = createWitness(project);
  const start = (): PerdureProcess => startPerdure(["worker", "--project", project.dir, "--concurrency", "2"]);
  const workers = [start(), start(), start()];
  const deadline = performance.now() + 60_000;
  let kills = 0;
  while (readRecorded(project.dir).completedTasks < 64) {
    expect(performance.now(), workers.map((worker) => worker.output()).join("\n")).toBeLessThan(deadline);
    await pause(60 + random.next() * 120);
    const victim = Math.floor(random.next() * workers.length);
    const worker = workers[victim];
    if (!isKilling || worker === undefined) continue;
    worker.child.kill("SIGKILL");
    await worker.exited;
    kills += 1;
    witness.look();
    workers[victim] = start();
  }
  for (const worker of workers) {
    // The last one started may not have got as far as listening to signals.
    while (!worker.output().includes("Ctrl-C stops it")) await pause(20);
    worker.child.kill("SIGTERM");
  }
  for (const worker of workers) expect((await worker.exited).code, worker.output()).toBe(0);
  witness.look();
  const { recoveries } = readRecorded(project.dir);
  expect(recoveries.every(({ note }) => /is gone|ran out/.test(note))).toBe(true);
  return kills;
}

/** How long a process takes on this machine until a task of it runs, in milliseconds: it is killed at instants around that. */
async function timeToReachWork(random: Random): Promise<number> {
  const project = newProject(random);
  const startedAt = performance.now();
  const perdure = startPerdure(["run", project.plan, "--project", project.dir]);
  while (countEffects(project.effects()).size === 0) await pause(2);
  const reachMs = performance.now() - startedAt;
  perdure.child.kill("SIGKILL");
  await perdure.exited;
  return reachMs;
}

/** Kills the process after a while, unless it has ended by itself. Returns whether it was killed. */
async function killAfter(perdure: PerdureProcess, delayMs: number): Promise<boolean> {
  const ended = await Promise.race([perdure.exited, pause(delayMs, null)]);
  if (ended !== null) return false;
  perdure.child.kill("SIGKILL");
  return (await perdure.exited).signal === "SIGKILL";
}

/** Killed before it made its database, there is nothing to read yet. */
function readRecordedIfThere(project: KillProject) {
  try {
    return readRecorded(project.dir);
  } catch (error) {
    if (error instanceof Error && /unable to open|no such table/.test(error.message)) return null;
    throw error;
  }
}
