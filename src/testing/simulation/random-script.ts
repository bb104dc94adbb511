/** Scripts made up from a seed. The same seed makes the same script. */

import type { Random } from "../../base/random.ts";
import { seededRandom } from "../../base/random.ts";
import type { Deed, Op, Script, ScriptedChild, ScriptedTask } from "./script.ts";
import { aScriptedTask, aStep } from "./rich-scripts.ts";

export function randomScript(seed: number): Script {
  const random = seededRandom(seed);
  const taskCount = 1 + below(random, 4);
  const tasks: ScriptedTask[] = [];
  for (let index = 0; index < taskCount; index++) tasks.push(randomTask(random, index, tasks));
  if (chance(random, 0.2)) tasks.push(...randomGroup(random, tasks));
  const deeds: Deed[] = [];
  if (chance(random, 0.25)) deeds.push(randomInterrupt(random));
  if (chance(random, 0.15)) {
    tasks.push(aScriptedTask({ title: "unwanted", ops: randomOps(random, "unwanted", { depth: 0, length: 3 }) }));
    deeds.push({ deed: "cancel", atMs: below(random, 2_000), title: "unwanted" });
  }
  if (chance(random, 0.1)) {
    const schedule = { type: "every", intervalMs: 1_000 } as const;
    tasks.push(
      aScriptedTask({
        title: "recurring",
        schedule,
        ops: [randomStep(random, "often"), aStep("paid", { effect: "once", hasVerify: true })],
      }),
    );
  }
  const [workers, concurrency] = [chance(random, 0.3) ? 2 + below(random, 2) : 1, 1 + below(random, 3)];
  // Chosen last, so that a seed makes the same script otherwise as it did without.
  const limited = tasks.map((task) =>
    !task.isGroup && chance(random, 0.25) ? { ...task, limitKey: pick(random, ["k1", "k2"]) } : task,
  );
  return { tasks: limited, deeds, workers, concurrency };
}

function randomTask(random: Random, index: number, before: readonly ScriptedTask[]): ScriptedTask {
  const title = `t${index}`;
  const needs = before.filter(() => chance(random, 0.3)).map((task) => task.title);
  const isTimed = chance(random, 0.1);
  return aScriptedTask({
    title,
    needs,
    priority: 1 + below(random, 10),
    policy: pick(random, ["block", "cancel", "run"] as const),
    ops: isTimed
      ? [aStep(`${title}s`), { op: "overtime", name: `${title}o`, failures: below(random, 2) }]
      : randomOps(random, title, { depth: 2, length: 1 + below(random, 5) }),
  });
}

function randomGroup(random: Random, before: readonly ScriptedTask[]): readonly ScriptedTask[] {
  const needs = before.slice(0, 1).map((task) => task.title);
  return [
    aScriptedTask({ title: "group", isGroup: true }),
    aScriptedTask({ title: "part1", parent: "group", ops: randomOps(random, "p1", { depth: 0, length: 2 }) }),
    aScriptedTask({ title: "part2", parent: "group", needs, ops: [aStep("p2s")] }),
    aScriptedTask({ title: "behind", needs: ["group"], ops: [aStep("bs")] }),
  ];
}

function randomInterrupt(random: Random): Deed {
  return { deed: "interrupt", atMs: below(random, 1_500), resumeAfterMs: 100 + below(random, 1_000) };
}

/** `depth`: how far parallel branches and children may go down from here. */
interface Shape {
  readonly depth: number;
  readonly length: number;
}

function randomOps(random: Random, prefix: string, { depth, length }: Shape): readonly Op[] {
  return Array.from({ length }, (_, index) => randomOp(random, `${prefix}.${index}`, depth));
}

function randomOp(random: Random, name: string, depth: number): Op {
  const roll = random.next();
  if (roll < 0.35) return randomStep(random, name);
  if (roll < 0.5) return randomStep(random, name, { effect: "once", hasVerify: chance(random, 0.6) });
  if (roll < 0.55) return { op: "sleep", ms: pick(random, [50, 400, 1_500, 2_500]) };
  if (roll < 0.61) return { op: "signal", name };
  if (roll < 0.64) return { op: "silence", name, ms: 500 + below(random, 1_500) };
  if (roll < 0.68) return { op: "approval", question: `${name}?` };
  if (roll < 0.71) return { op: "slow", name, failures: below(random, 2) };
  if (roll < 0.74) return { op: "progress", percent: below(random, 100) };
  if (roll < 0.76) return { op: "log", message: name };
  if (roll < 0.78 && depth === 2) return { op: "giveUp" };
  if (roll < 0.82 && depth === 2) return { op: "caught", name };
  if (roll < 0.86 && depth === 2) return { op: "cleanedUp", name, failures: below(random, 3) };
  if (depth === 0) return randomStep(random, name);
  if (roll < 0.94) return randomParallel(random, name, depth);
  return randomChildren(random, name, depth);
}

function randomStep(random: Random, name: string, sketch: Partial<Extract<Op, { op: "step" }>> = {}): Op {
  const failures = chance(random, 0.2) ? 1 + below(random, 2) : 0;
  return aStep(name, { failures, ms: chance(random, 0.4) ? 10 + below(random, 200) : 0, ...sketch });
}

function randomParallel(random: Random, name: string, depth: number): Op {
  const branches = Array.from({ length: 2 + below(random, 2) }, (_, index) =>
    randomOps(random, `${name}.${index}`, { depth: depth - 1, length: 1 + below(random, 3) }),
  );
  return { op: "parallel", branches };
}

function randomChildren(random: Random, name: string, depth: number): Op {
  const children = Array.from({ length: 1 + below(random, 2) }, (_, index): ScriptedChild => {
    const title = `${name}c${index}`;
    return { title, ops: randomOps(random, title, { depth: depth - 1, length: 1 + below(random, 2) }), maxRetries: 3 };
  });
  return { op: "children", together: chance(random, 0.5), children };
}

function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[below(random, values.length)] ?? values[0];
}
