/** Moving a project between kinds of store through a file, as vitest tests: one driver more is one line more. */

import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, describe, expect, it, onTestFinished } from "vitest";

import { seededRandom, systemRandom } from "../../base/random.ts";
import type { ArtifactFiles } from "../../store/artifact-files.ts";
import { artifactFiles } from "../../store/artifact-files.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { createSession } from "../../store/commands/sessions.ts";
import { readRawChanges } from "../../store/rebuild.ts";
import { aSession, aTask } from "../../testing/builders.ts";
import { addArtifact } from "../../store/commands/artifacts.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { Bench } from "../../testing/store-suite/bench.ts";
import { createSuite, holdOf } from "../../testing/store-suite/bench.ts";
import type { StoreSuiteOptions, SuiteStore } from "../../testing/store-suite/suite-options.ts";
import { createPlayer, playAct, randomActs } from "../../testing/store-suite/workload.ts";
import { dumpTables, withoutCoordination } from "../../testing/table-dump.ts";
import { openLogSource } from "../open-sink.ts";
import { writeProjectFile } from "../project-file-writer.ts";
import { restoreLog } from "../restore-log.ts";

type Driver = Pick<StoreSuiteOptions, "name" | "open" | "openSecond">;

interface Place {
  readonly store: SuiteStore;
  readonly files: ArtifactFiles;
}

let targets = 0;

export function migrationSuite(drivers: readonly Driver[]): void {
  describe.each(drivers.flatMap((from) => drivers.map((to) => [from.name, to.name, from, to] as const)))(
    "from %s to %s",
    (_from, _to, from, to) => {
      const suite = createSuite(from);
      const opened: SuiteStore[] = [];
      afterEach(async () => {
        for (const store of opened.splice(0)) await store.close();
      });
      const openTarget = async (): Promise<Place> => {
        const connection = { storeName: `target-${(targets += 1)}-${systemRandom.uuid()}`, clock: fakeClock() };
        const store = await to.open({ ...connection, random: seededRandom(99), actor: "test" });
        opened.push(store);
        return { store, files: filesIn(aDirectory()) };
      };

      it.each([1, 2, 3])("a file carries everything over, log and contents included (seed %i)", async (seed) => {
        const bench = await suite.open();
        const source = { store: bench.store, files: filesIn(aDirectory()) };
        await fill(bench, source, seed);
        const path = join(aDirectory(), seed === 1 ? "project.jsonl" : "project.jsonl.gz");
        const written = await write(source, path);
        expect(written).toMatchObject({ missing: [], state: { seq: written.lastSeq } });
        const target = await openTarget();
        const restored = await read(target, path);
        expect(restored).toMatchObject({ isStateProven: true, missing: [], lastSeq: written.lastSeq });
        expect(await everythingOf(target.store)).toEqual(await everythingOf(bench.store));
        expect(target.store.projectId).toBe(bench.store.projectId);
        // It goes on with a log of its own.
        const session = await target.store.execute(createSession, aSession({ name: "after" }));
        await target.store.execute(createTasks, { sessionId: session.id, tasks: [aTask({ ref: "next" })] });
        const [next] = await target.store.execute(readRawChanges, { after: restored.lastSeq, limit: 1 });
        expect(next?.seq).toBeGreaterThan(restored.lastSeq);
      });
    },
  );

  describe("a file", () => {
    const [driver] = drivers;
    if (driver === undefined) throw new Error("there is a driver");
    const suite = createSuite(driver);

    it("that was cut off, changed or added to gives nothing at all", async () => {
      const bench = await suite.open();
      const source = { store: bench.store, files: filesIn(aDirectory()) };
      await fill(bench, source, 7);
      const path = join(aDirectory(), "project.jsonl");
      await write(source, path);
      const whole = readFileSync(path, "utf8");
      const lines = whole.trimEnd().split("\n");
      const damages: readonly string[] = [
        whole.slice(0, -1),
        `${lines.slice(0, -1).join("\n")}\n`,
        `${lines.toSpliced(3, 1).join("\n")}\n`,
        `${lines.toSpliced(0, 1).join("\n")}\n`,
        `${[...lines, lines[1] ?? ""].join("\n")}\n`,
        whole.replace("create", "crEate"),
        `${lines.toSpliced(2, 2, lines[3] ?? "", lines[2] ?? "").join("\n")}\n`,
        "",
      ];
      const target = { store: await suite.openEmpty(), files: filesIn(aDirectory()) };
      for (const text of damages) {
        writeFileSync(path, text);
        await expect(read(target, path)).rejects.toMatchObject({ code: "invalid-input" });
      }
      expect((await dumpTables(target.store)).changes).toEqual([]);
      const gz = join(aDirectory(), "project.jsonl.gz");
      await write(source, gz);
      truncateSync(gz, statSync(gz).size - 20);
      await expect(read(target, gz)).rejects.toMatchObject({ code: "invalid-input" });
    });

    it("is never written over, and not left half written", async () => {
      const bench = await suite.open();
      const source = { store: bench.store, files: filesIn(aDirectory()) };
      const path = join(aDirectory(), "project.jsonl");
      await write(source, path);
      await expect(write(source, path)).rejects.toMatchObject({ code: "conflict" });
    });
  });
}

async function fill(bench: Bench, { store, files }: Place, seed: number): Promise<void> {
  const random = seededRandom(seed);
  await bench.create({ ref: "large", input: { text: "v".repeat(150_000 + seed) } });
  const claimed = await bench.start("large");
  for (const content of [Buffer.from("hello"), Buffer.alloc(1_000_000, seed), Buffer.alloc(0)]) {
    const { hash, sizeBytes } = await files.putBytes(content);
    const artifact = { name: "out", mediaType: "application/octet-stream", sizeBytes, hash };
    await store.execute(addArtifact, { hold: holdOf(claimed), ...artifact });
  }
  const player = createPlayer(bench);
  for (const act of randomActs(random, 60)) await playAct(player, act);
}

/** All but who works on it, and the hints that are made anew. */
async function everythingOf(store: SuiteStore) {
  const tables = await dumpTables(store);
  return { ...withoutCoordination(tables), blobs: tables.blobs };
}

function write({ store, files }: Place, path: string) {
  return writeProjectFile({ store, artifactFiles: files, random: systemRandom, journalDirectory: null }, path);
}

async function read({ store, files }: Place, path: string) {
  const source = await openLogSource(path, { directory: ".", random: systemRandom });
  try {
    return await restoreLog(
      { store, artifactFiles: files, random: systemRandom, directory: aDirectory(), source },
      { mayContinue: false, mayBePartial: false, onBegin: async () => {} },
    );
  } finally {
    await source.close();
  }
}

function filesIn(directory: string): ArtifactFiles {
  return artifactFiles({ dir: join(directory, "artifacts"), random: systemRandom });
}

function aDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "perdure-migration-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
