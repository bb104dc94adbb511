/** Cutting off the change log in the store: its mirror takes its place, and whatever is kept can still be used. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { beforeEach, describe, expect, test } from "vitest";

import { rebuildFromChanges } from "../src/store/rebuild.ts";
import { openForTest } from "../src/store/testing/open-for-test.ts";
import { readLog } from "../src/testing/store-suite/log-suite.ts";
import { dumpTables, withoutCoordination } from "../src/testing/table-dump.ts";
import { readBack } from "../src/trail/testing/rebuilt.ts";
import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();
beforeEach(() => {
  project.write("perdure.yaml", "retention: { log_age: 0s, checkpoints_age: 0s, checkpoints: 1 }\n");
});

const perdureDir = (): string => join(project.dir, ".perdure");
const database = (): string => join(perdureDir(), "perdure.db");

interface Cleaned {
  readonly removed: Readonly<Record<string, { readonly count: number }>>;
  readonly notices: readonly string[];
}

async function loggedSeqs(): Promise<readonly number[]> {
  const store = openForTest(database());
  const seqs = (await readLog(store)).map(({ seq }) => seq);
  await store.close();
  return seqs;
}

/** The state that the journal alone makes is the state of the store. */
async function expectJournalTellsAll(): Promise<void> {
  const [store, empty] = [openForTest(database()), openForTest(":memory:")];
  await empty.execute(rebuildFromChanges, await readBack(perdureDir()));
  const { changes: _, ...expected } = withoutCoordination(await dumpTables(store));
  const { changes: __, ...rebuilt } = withoutCoordination(await dumpTables(empty));
  expect(rebuilt).toEqual(expected);
  await Promise.all([store.close(), empty.close()]);
}

async function add(title: string): Promise<string> {
  return ((await project.json("task", "add", title)) as { readonly id: string }).id;
}

/** Work with a large value, and a checkpoint in the middle of it. */
async function work(): Promise<void> {
  for (const title of ["one", "two"]) await add(title);
  await project.json("task", "done", await add("large"), "--result", JSON.stringify({ text: "x".repeat(90_000) }));
  await project.json("checkpoint", "create", "middle");
  await project.json("task", "done", await add("three"), "--result", '"done"');
}

describe("perdure cleanup with log_age", () => {
  test("cuts the log off before the oldest checkpoint; rebuild, doctor, repair and restore hold", async () => {
    await work();
    const before = await loggedSeqs();
    const { removed, notices } = (await project.json("cleanup")) as Cleaned;
    const after = await loggedSeqs();
    expect(notices).toEqual([]);
    expect(removed.changes?.count).toBeGreaterThan(2);
    expect(after.length).toBeLessThan(before.length);
    expect(after[0]).toBe((removed.changes?.count ?? 0) + 1);

    await expectJournalTellsAll();
    const doctor = await project.run("doctor", "--deep");
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.not.stringMatching(/^wrong/m)]);
    expect((await project.run("repair")).stdout).toBe("Nothing is damaged.\n");
    const titles = async (): Promise<readonly string[]> =>
      ((await project.json("task", "list", "--limit", "50")) as { items: { title: string }[] }).items.map(
        ({ title }) => title,
      );
    expect(await titles()).toHaveLength(4);
    expect((await project.run("checkpoint", "restore", "middle")).code).toBe(0);
    expect((await titles()).toSorted()).toEqual(["large", "one", "two"]);

    rmSync(database());
    expect((await project.run("repair")).stdout).toContain("Everything was recovered.");
    expect((await titles()).toSorted()).toEqual(["large", "one", "two"]);
    const again = (await project.json("cleanup")) as Cleaned;
    expect(again.removed.changes?.count).toBeGreaterThan(0);
    expect((await project.run("doctor", "--deep")).code).toBe(0);
  }, 60_000);

  test("leaves the log whole where there is no journal", async () => {
    project.write("perdure.yaml", "retention: { log_age: 0s }\njournal: { enabled: false }\n");
    await work();
    const before = await loggedSeqs();
    const { removed, notices } = (await project.json("cleanup")) as Cleaned;
    expect(removed.changes?.count).toBe(0);
    expect(notices).toEqual([expect.stringContaining("no mirror")]);
    expect((await loggedSeqs()).slice(0, before.length)).toEqual(before);
  });

  test("killed with SIGKILL at any moment › what is left is whole, and the next one ends it", async () => {
    await work();
    for (let round = 0; round < 5; round += 1) {
      for (let index = 0; index < 2; index += 1) await project.json("task", "add", `more ${round} ${index}`);
      const running = project.start(["cleanup"]);
      await sleep(150 + round * 110);
      running.process.kill("SIGKILL");
      await running.finished;
      expect((await project.run("doctor", "--deep")).code).toBe(0);
    }
    await project.json("cleanup");
    await expectJournalTellsAll();
    expect((await project.run("checkpoint", "restore", "middle")).code).toBe(0);
    const doctor = await project.run("doctor", "--deep");
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.not.stringMatching(/^wrong/m)]);
  }, 120_000);
});
