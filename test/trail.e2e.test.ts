import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { seededRandom } from "../src/base/random.ts";
import { openPerdure } from "../src/index.ts";
import { openForTest } from "../src/store/testing/open-for-test.ts";
import { expectRebuilds, readBack } from "../src/trail/testing/rebuilt.ts";

let project: string;
let perdureDir: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "perdure-trail-"));
  perdureDir = join(project, ".perdure");
});
afterEach(() => {
  for (const writer of writers.splice(0)) writer.kill("SIGKILL");
  rmSync(project, { recursive: true, force: true });
});

const writers: ReturnType<typeof spawnWriter>[] = [];
const spawnWriter = (name: string) =>
  spawn(process.execPath, [WRITER, project, name], { stdio: ["ignore", "pipe", "inherit"] });
const WRITER = join(import.meta.dirname, "trail", "writer.ts");

async function startWriter(name: string) {
  const child = spawnWriter(name);
  writers.push(child);
  await once(child.stdout, "data");
  return child;
}

/** Opens the project, does a little, and closes it in good order. */
async function workAndClose(): Promise<void> {
  const perdure = await openPerdure({ project });
  await perdure.tasks.create({ title: "the last", executor: "manual" });
  await perdure.close();
}

interface Current {
  readonly session_id: string | null;
  readonly current_task: { readonly name: string } | null;
  readonly next_tasks: readonly { readonly name: string }[];
}
const current = (): Current => JSON.parse(readFileSync(join(perdureDir, "tasks", "current.json"), "utf8")) as Current;

describe("the trail of processes that are killed with SIGKILL while they work", () => {
  it("is complete again after the next command, and rebuilds the store", async () => {
    const seed = Date.now() % 1_000_000;
    const random = seededRandom(seed);
    for (let round = 0; round < 6; round++) {
      const both = await Promise.all([startWriter(`a${round}`), startWriter(`b${round}`)]);
      for (const writer of both) {
        await sleep(random.next() * 700);
        writer.kill("SIGKILL");
        await once(writer, "close");
      }
    }
    expect(existsSync(join(perdureDir, "journal")), `seed ${seed}`).toBe(true);
    await workAndClose();

    const store = openForTest(join(perdureDir, "perdure.db"));
    const empty = openForTest(":memory:");
    await expectRebuilds(perdureDir, store, empty);
    expect((await readBack(perdureDir)).changes.length).toBeGreaterThan(100);
    await Promise.all([store.close(), empty.close()]);

    expect(current().next_tasks.map(({ name }) => name)).toContain("the last");
    const histories = readdirSync(join(perdureDir, "tasks", "history"));
    expect(histories.length).toBeGreaterThan(5);
    for (const name of histories) {
      const history = JSON.parse(gunzipSync(readFileSync(join(perdureDir, "tasks", "history", name))).toString()) as {
        readonly session_id: string;
        readonly tasks: readonly unknown[];
      };
      expect(name).toBe(`${history.session_id}.json.gz`);
      expect(history.tasks).toHaveLength(1);
    }
  }, 60_000);
});

describe("the trail", () => {
  it("is written while work goes on, not only at its end", async () => {
    const writer = await startWriter("a");
    while (!existsSync(join(perdureDir, "tasks", "current.json"))) await sleep(50);
    expect(readdirSync(join(perdureDir, "journal"))).toHaveLength(1);
    expect(current().session_id).not.toBeNull();
    writer.kill("SIGKILL");
    await once(writer, "close");
  }, 20_000);

  it("mends a current.json that was damaged or deleted", async () => {
    await workAndClose();
    const right = readFileSync(join(perdureDir, "tasks", "current.json"), "utf8");
    writeFileSync(join(perdureDir, "tasks", "current.json"), right.slice(0, 40));
    rmSync(join(perdureDir, "memory.json"));
    await workAndClose();
    expect(current().next_tasks).toHaveLength(2);
    expect(existsSync(join(perdureDir, "memory.json"))).toBe(true);
  });

  it("fails no work when it cannot be written, and says so", async () => {
    mkdirSync(perdureDir);
    writeFileSync(join(perdureDir, "journal"), "not a directory");
    const warned = once(process, "warning") as Promise<[Error]>;
    await workAndClose();
    const [warning] = await warned;
    expect(warning.message).toMatch(/journal/i);
    rmSync(join(perdureDir, "journal"));
    await workAndClose();
    expect((await readBack(perdureDir)).changes.length).toBeGreaterThan(2);
  });

  it("leaves a journal alone that is not of this store", async () => {
    await workAndClose();
    const before = readFileSync(journalFile(), "utf8");
    const elsewhere = join(project, "elsewhere");
    mkdirSync(elsewhere);
    const other = await openPerdure({ project: elsewhere });
    await other.tasks.create({ title: "theirs", executor: "manual" });
    await other.close();
    copyFileSync(join(elsewhere, ".perdure", "perdure.db"), join(perdureDir, "perdure.db"));
    const warned = once(process, "warning") as Promise<[Error]>;
    await workAndClose();
    expect((await warned)[0].message).toContain("belongs to another store");
    expect(readFileSync(journalFile(), "utf8")).toBe(before);
  });

  it("is not kept where the configuration says so", async () => {
    writeFileSync(join(project, "perdure.yaml"), "journal:\n  enabled: false\n");
    await workAndClose();
    expect(readdirSync(perdureDir).filter((name) => !name.startsWith("perdure.db"))).toEqual([]);
  });
});

function journalFile(): string {
  const [name = ""] = readdirSync(join(perdureDir, "journal"));
  return join(perdureDir, "journal", name);
}
