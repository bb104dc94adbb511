/** A plan of command and step tasks whose every effect is a line in a file outside the project, and what that file must say. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Random } from "../../src/base/random.ts";

export interface KillProject {
  readonly dir: string;
  readonly plan: string;
  readonly needsOf: ReadonlyMap<string, readonly string[]>;
  /** What happened outside, in order: `start KEY`, `end KEY`, `step KEY/NAME`. */
  effects(): readonly string[];
  remove(): void;
}

const STEPS_PER_TASK = 4;

/** 64 tasks in layers of eight; each needs up to three of the layer before. Every fourth is a function with steps. */
export function createKillProject(random: Random): KillProject {
  const dir = mkdtempSync(join(tmpdir(), "perdure-kill-"));
  const effectsFile = join(dir, "effects.log");
  const needsOf = new Map<string, readonly string[]>();
  const lines = ["name: Kill me", "concurrency: 4", "defaults: { retries: 3 }", "tasks:"];
  for (let index = 0; index < 64; index++) {
    const key = `t${index}`;
    const layer = Math.floor(index / 8);
    const needs =
      layer === 0 ? [] : pick(random, { from: (layer - 1) * 8, count: 8, most: 3 }).map((other) => `t${other}`);
    needsOf.set(key, needs);
    const pauseMs = 5 + Math.floor(random.next() * 40);
    const priority = 1 + Math.floor(random.next() * 10);
    const common = `id: ${key}, needs: [${needs.join(", ")}], priority: ${priority}`;
    lines.push(
      index % 4 === 3
        ? `  - { ${common}, executor: stepper, input: { key: ${key}, pauseMs: ${pauseMs} } }`
        : `  - { ${common}, run: "echo start ${key} >> '${effectsFile}'; sleep 0.0${String(pauseMs).padStart(2, "0")}; echo end ${key} >> '${effectsFile}'" }`,
    );
  }
  mkdirSync(join(dir, "project"));
  writeFileSync(effectsFile, "");
  writeFileSync(join(dir, "project", "plan.yaml"), `${lines.join("\n")}\n`);
  writeFileSync(join(dir, "project", "perdure.yaml"), "executors: [./executors.mjs]\n");
  writeFileSync(join(dir, "project", "executors.mjs"), executorsModule(effectsFile));
  return {
    dir: join(dir, "project"),
    plan: join(dir, "project", "plan.yaml"),
    needsOf,
    effects: () =>
      readFileSync(effectsFile, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function pick(random: Random, { from, count, most }: { from: number; count: number; most: number }): readonly number[] {
  const picked = new Set<number>();
  const wanted = 1 + Math.floor(random.next() * most);
  while (picked.size < wanted) picked.add(from + Math.floor(random.next() * count));
  return [...picked];
}

function executorsModule(effectsFile: string): string {
  return `import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
const say = (line) => appendFileSync(${JSON.stringify(effectsFile)}, line + "\\n");
export default (perdure) => {
  perdure.define("stepper", {}, async (run, { key, pauseMs }) => {
    say("start " + key);
    for (let n = 0; n < ${STEPS_PER_TASK}; n++) {
      await run.step("s" + n, async () => {
        await pause(pauseMs / 4);
        say("step " + key + "/s" + n);
        return n;
      });
    }
    await run.step("last", () => say("end " + key), { effect: "once", verify: () => ({ done: false }) });
    return key;
  });
};
`;
}

/** Every task ran, and none began before what it needs had ended. */
export function orderProblems(project: KillProject): readonly string[] {
  const effects = project.effects();
  const problems: string[] = [];
  for (const [key, needs] of project.needsOf) {
    const firstStart = effects.indexOf(`start ${key}`);
    if (firstStart === -1) problems.push(`${key} never started`);
    if (!effects.includes(`end ${key}`)) problems.push(`${key} never ended`);
    for (const need of needs) {
      const end = effects.indexOf(`end ${need}`);
      if (end === -1 || end > firstStart) problems.push(`${key} started before ${need} had ended`);
    }
  }
  return problems;
}

/** How often each effect that stands for a recorded task or step took place. */
export function countEffects(effects: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of effects) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}
