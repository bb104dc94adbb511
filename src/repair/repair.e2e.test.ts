import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { seededRandom } from "../base/random.ts";
import { useAlone, useTogether } from "../base/use-lock.ts";
import type { DamageLab, LabProject } from "./testing/damage-lab.ts";
import { createDamageLab, harm, labProject } from "./testing/damage-lab.ts";
import { SEED } from "./testing/seed.ts";

const REPAIRER = fileURLToPath(new URL("./testing/repairer.ts", import.meta.url));
const ROUNDS = 20;

let lab: DamageLab;
beforeAll(async () => {
  lab = await createDamageLab({ seed: 3, acts: 20 });
}, 30_000);
afterAll(() => lab.remove());

/** Damages both copies, in places of which the other has what was there. */
function damageBoth(project: LabProject): void {
  const bytes = readFileSync(project.database);
  writeFileSync(project.database, bytes.fill(0, 0, 90));
  const journal = project.journal.at(-1) ?? "";
  const lines = readFileSync(journal, "utf8").split("\n");
  lines[2] = "damaged";
  writeFileSync(journal, lines.join("\n"));
}

async function repairKilledAfter(dir: string, ms: number): Promise<boolean> {
  const child = spawn(process.execPath, [REPAIRER, dir], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, "exit");
  await once(child.stdout, "data");
  await pause(ms);
  child.kill("SIGKILL");
  await exited;
  return said.includes("done");
}

describe("a repair killed at any moment", () => {
  it("loses nothing, and the next one finishes what it began", async () => {
    const random = seededRandom(SEED);
    let cutOff = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const said = `seed ${SEED}, round ${round}`;
      const { dir } = lab.project();
      damageBoth(labProject(dir));
      for (let kills = 0; kills < 2; kills++) {
        if (!(await repairKilledAfter(dir, random.next() * 260))) cutOff += 1;
        const { database } = labProject(dir);
        const isPending = existsSync(join(dir, ".perdure", "repair", "swap.json"));
        expect(existsSync(database) || isPending, said).toBe(true);
      }
      const project = labProject(dir);
      await project.repair();
      expect(await project.dump(), said).toEqual(lab.pristine);
      expect((await project.repair()).replaced, said).toEqual([]);
      const kept = readdirSync(join(dir, ".perdure", "damaged"));
      expect(kept.length, said).toBeGreaterThan(0);
      rmSync(dir, { recursive: true });
    }
    expect(cutOff).toBeGreaterThan(ROUNDS / 4);
  }, 120_000);
});

describe("a repair", () => {
  it("is refused while others use the store, and lets nobody in while it works", async () => {
    const project = lab.project();
    const use = useTogether(project.deps.useLockPath);
    await expect(project.repair()).rejects.toMatchObject({ code: "conflict" });
    use?.end();
    const alone = useAlone(project.deps.useLockPath);
    expect(alone).not.toBeNull();
    expect(useTogether(project.deps.useLockPath)).toBeNull();
    alone?.end();
  });

  it("in a dry run tells all and changes nothing", async () => {
    const project = lab.project();
    harm(project.database, "zero", seededRandom(5));
    damageBoth(project);
    const before = project.files();
    const report = await project.repair({ isDryRun: true });
    expect(report.damaged.length).toBeGreaterThan(0);
    expect(report.replaced).toContain(project.database);
    expect(project.files()).toEqual(before);
  });
});
