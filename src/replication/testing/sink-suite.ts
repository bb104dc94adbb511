/** What every kind of sink does, as vitest tests. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it, onTestFinished } from "vitest";

import type { Random } from "../../base/random.ts";
import { seededRandom, systemRandom } from "../../base/random.ts";
import type { SinkConfig } from "../../config/config.ts";
import { DEFAULT_MAX_ARTIFACT_BYTES } from "../../config/config.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { ArtifactFiles } from "../../store/artifact-files.ts";
import { artifactFiles } from "../../store/artifact-files.ts";
import { addArtifact } from "../../store/commands/artifacts.ts";
import { createTasks } from "../../store/commands/create-tasks.ts";
import { editTask } from "../../store/commands/edit-task.ts";
import { openForTest } from "../../store/testing/open-for-test.ts";
import { aSession, aTask } from "../../testing/builders.ts";
import { createSession } from "../../store/commands/sessions.ts";
import type { Bench } from "../../testing/store-suite/bench.ts";
import { createSuite, holdOf } from "../../testing/store-suite/bench.ts";
import type { SuiteStore } from "../../testing/store-suite/suite-options.ts";
import { createPlayer, playAct, randomActs } from "../../testing/store-suite/workload.ts";
import { dumpTables, withoutCoordination } from "../../testing/table-dump.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite-store.ts";
import { systemClock } from "../../base/clock.ts";
import type { Copied } from "../log-copier.ts";
import { logCopier } from "../log-copier.ts";
import { openSink } from "../open-sink.ts";
import { startReplicator } from "../replicator.ts";
import type { Restored } from "../restore-log.ts";
import { restoreLog } from "../restore-log.ts";
import type { Sink } from "../sink.ts";

export interface SinkPlace {
  /** Of a place of its own, where nothing is yet. `directory` is a test's own. */
  config(directory: string): SinkConfig;
  /** Takes it away for a while and returns what brings it back. */
  takeDown(directory: string): Promise<() => Promise<void>>;
  /** Leaves what a process leaves that is killed in the middle of writing. */
  tear(sink: Sink, directory: string): Promise<void>;
}

const suite = createSuite({
  name: "sqlite in memory",
  open: async ({ storeName, ...deps }) => openSqliteStore({ path: ":memory:", projectName: storeName, ...deps }),
  openSecond: null,
});

interface Setting {
  readonly directory: string;
  readonly config: SinkConfig;
  readonly files: ArtifactFiles;
}

export function sinkSuite(name: string, place: () => SinkPlace): void {
  const set = (): Setting => {
    const directory = aDirectory();
    return {
      directory,
      config: place().config(directory),
      files: artifactFiles({ dir: join(directory, "artifacts"), random: seededRandom(3) }),
    };
  };

  describe(`a sink of ${name}`, () => {
    it.each([1, 2, 3, 4, 5])("gives back the store it was copied from, whatever was done (seed %i)", async (seed) => {
      const setting = set();
      const bench = await suite.open();
      const random = seededRandom(seed);
      const player = createPlayer(bench);
      for (let turn = 0; turn < 6; turn++) {
        for (const act of randomActs(random, 12)) await playAct(player, act);
        // A process of its own each time, which stops after any number of batches.
        await copy(bench.store, setting, turn === 5 ? Number.POSITIVE_INFINITY : turn % 2);
      }
      const { restored, store } = await restore(setting);
      expect(await everythingOf(store)).toEqual(await everythingOf(bench.store));
      expect(store.projectId).toBe(bench.store.projectId);
      expect(restored).toMatchObject({ missing: [], doubts: [], endsBefore: null });
    });

    it("takes a batch only where it ends, so that none is in it twice", async () => {
      const setting = set();
      const bench = await suite.open();
      await bench.create({ ref: "a" }, { ref: "b" });
      await copy(bench.store, setting);
      const sink = await openAgain(setting);
      const before = await linesIn(sink);
      const { header, last } = await sink.end();
      if (header === null || last === null) throw new Error("it holds something");
      const line = { change: last, at: last.at, text: "{}" };
      expect(await sink.append({ header, after: last.seq - 1, lines: [line] })).toBe("moved");
      expect(await sink.append({ header, after: 0, lines: [line] })).toBe("moved");
      expect(await sink.append({ header, after: last.seq + 1, lines: [line] })).toBe("moved");
      expect(await linesIn(sink)).toEqual(before);
    });

    it("reads on from a change", async () => {
      const setting = set();
      const bench = await suite.open();
      for (const ref of ["a", "b", "c"]) await bench.create({ ref });
      await copy(bench.store, setting);
      const sink = await openAgain(setting);
      const all = await linesIn(sink);
      for (const after of [1, 2, all.length - 1, all.length])
        expect(await linesIn(sink, after)).toEqual(all.filter(({ seq }) => seq > after));
    });

    it("takes each change once when two append at once, in order", async () => {
      const setting = set();
      const bench = await suite.open();
      const over = new AbortController();
      const copying = [0, 1, 2].map(async () => {
        while (!over.signal.aborted) await copy(bench.store, setting, 3);
      });
      for (let turn = 0; turn < 15; turn++) {
        await bench.create({ ref: `a${turn}` }, { ref: `b${turn}` });
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      over.abort();
      await Promise.all(copying);
      await copy(bench.store, setting);
      const { store } = await restore(setting);
      expect(await everythingOf(store)).toEqual(await everythingOf(bench.store));
    });

    it("refuses another project's log, and one that tells another story", async () => {
      const setting = set();
      const [bench, other] = [await suite.open(), await suite.open()];
      await copy(bench.store, setting);
      await expect(copy(other.store, setting)).rejects.toMatchObject({ code: "conflict" });
      const { store } = await restore(setting);
      const twin: Bench = { ...bench, store };
      await twin.store.execute(createSession, aSession({ name: "there" }));
      await copy(twin.store, setting);
      await bench.create({ ref: "here" });
      await expect(copy(bench.store, setting)).rejects.toMatchObject({ code: "conflict" });
    });

    it("keeps values and artifacts of any size, and lines longer than it takes", async () => {
      const setting = set();
      const bench = await suite.open();
      const pseudo = bytesOf(seededRandom(9), 3_000_000);
      const text = pseudo.toString("base64").slice(0, 2_500_000);
      await bench.create({ ref: "small", input: "x".repeat(70_000) }, { ref: "large", input: { text } });
      await bench.create({ ref: "long line", description: "ä".repeat(LIMITS.descriptionBytes / 2 - 100) });
      const claimed = await bench.start("small");
      for (const [title, content] of [
        ["binary", pseudo],
        ["empty", Buffer.alloc(0)],
        ["again", pseudo],
      ] as const) {
        const { hash, sizeBytes } = await setting.files.putBytes(content);
        await bench.store.execute(addArtifact, {
          hold: holdOf(claimed),
          name: title,
          mediaType: "application/octet-stream",
          sizeBytes,
          hash,
        });
      }
      await copy(bench.store, setting);
      const { store, restored, files } = await restore(setting);
      expect(restored.missing).toEqual([]);
      expect(await everythingOf(store)).toEqual(await everythingOf(bench.store));
      const { hash } = await setting.files.putBytes(pseudo);
      expect((await files.read(hash)).equals(pseudo)).toBe(true);
    });

    it("holds one command whole that is larger than a batch", async () => {
      const setting = set();
      const bench = await suite.open();
      const tasks = Array.from({ length: 900 }, (_, index) => aTask({ ref: `t${index}`, input: "y".repeat(2_000) }));
      await bench.store.execute(createTasks, { sessionId: bench.session.id, tasks });
      await copy(bench.store, setting);
      const { store } = await restore(setting);
      expect(await everythingOf(store)).toEqual(await everythingOf(bench.store));
    });

    it("does not count what was cut off while it was written", async () => {
      const setting = set();
      const bench = await suite.open();
      await bench.create({ ref: "a", input: "z".repeat(80_000) });
      await copy(bench.store, setting);
      const sink = await openAgain(setting);
      const before = await linesIn(sink);
      await place().tear(sink, setting.directory);
      expect(await linesIn(sink)).toEqual(before);
      await bench.create({ ref: "b" });
      await copy(bench.store, setting);
      const { store } = await restore(setting);
      expect(await everythingOf(store)).toEqual(await everythingOf(bench.store));
    });

    it("names what the copy does not have, and restores the rest", async () => {
      const setting = set();
      const bench = await suite.open();
      await bench.create({ ref: "a" });
      const claimed = await bench.start("a");
      const hash = "ab".repeat(32);
      const gone = { name: "gone", mediaType: "text/plain", sizeBytes: 5, hash };
      await bench.store.execute(addArtifact, { hold: holdOf(claimed), ...gone });
      await copy(bench.store, setting);
      const { store, restored } = await restore(setting);
      expect(restored.missing).toEqual([{ hash, kind: "artifact" }]);
      expect(await everythingOf(store)).toEqual(await everythingOf(bench.store));
    });

    it("is whole after any number of processes were killed while they copied into it", async () => {
      const setting = set();
      const store = openForTest(join(setting.directory, "perdure.db"));
      const session = await store.execute(createSession, aSession());
      const random = systemRandom;
      let kills = 0;
      let count = 0;
      for (let round = 0; round < 4; round++) {
        const children = [startCopying(setting), startCopying(setting)];
        await Promise.all(children.map(({ isReady }) => isReady));
        const until = performance.now() + 60 + random.next() * 120;
        while (performance.now() < until) {
          count += 1;
          const input = count % 7 === 0 ? "v".repeat(70_000 + count) : null;
          await store.execute(createTasks, { sessionId: session.id, tasks: [aTask({ ref: `t${count}`, input })] });
        }
        for (const child of children) {
          kills += 1;
          await child.kill();
        }
      }
      await copy(store, setting);
      const { store: again, restored } = await restore(setting);
      expect({ kills, doubts: restored.doubts }).toEqual({ kills: 8, doubts: [] });
      expect(await everythingOf(again)).toEqual(await everythingOf(store));
      await store.close();
    }, 90_000);

    it("never fails the work while it cannot be reached, and is caught up when it is back", async () => {
      const setting = set();
      const bench = await suite.open();
      await copy(bench.store, setting);
      const comeBack = await place().takeDown(setting.directory);
      const follower = startFollowing(bench.store, setting);
      await bench.create({ ref: "meanwhile" });
      const startedAt = performance.now();
      expect(await follower.finish(2_000)).toMatch(/./);
      expect(performance.now() - startedAt).toBeLessThan(3_500);
      // It failed a moment ago: the next process does not even try, and says nothing.
      const again = performance.now();
      expect(await startFollowing(bench.store, setting).finish(2_000)).toBeNull();
      expect(performance.now() - again).toBeLessThan(200);
      await comeBack();
      rmSync(join(setting.directory, ".perdure"), { recursive: true });
      await bench.create({ ref: "after" });
      expect(await startFollowing(bench.store, setting).finish(20_000)).toBeNull();
      const { store } = await restore(setting);
      expect(await everythingOf(store)).toEqual(await everythingOf(bench.store));
    }, 60_000);

    it("goes on from where a restore that was cut off had come", async () => {
      const setting = set();
      const bench = await suite.open();
      for (let turn = 0; turn < 700; turn++) await bench.create({ ref: `t${turn}` });
      await bench.store.execute(editTask, { taskId: await bench.id("t0"), edit: { title: "edited" } });
      await copy(bench.store, setting);
      const target = await suite.openEmpty();
      const source = await openAgain(setting);
      const cutOff = { ...source, read: () => firstOf(source, 900) };
      const options = { mayContinue: false, mayBePartial: false, onBegin: async () => {} };
      const deps = {
        store: target,
        artifactFiles: setting.files,
        random: seededRandom(1),
        directory: setting.directory,
      };
      await restoreLog({ ...deps, source: cutOff }, options);
      await expect(restoreLog({ ...deps, source }, options)).rejects.toMatchObject({ code: "conflict" });
      const restored = await restoreLog({ ...deps, source }, { ...options, mayContinue: true });
      expect(restored.continuedFrom).toBeGreaterThan(0);
      expect(await everythingOf(target)).toEqual(await everythingOf(bench.store));
    });
  });
}

async function* firstOf(source: Sink, count: number) {
  let left = count;
  for await (const entry of source.read({ after: 0 })) {
    if (left-- <= 0) return;
    yield entry;
  }
}

/** All but who works on it, and the hints that are made anew. */
async function everythingOf(store: SuiteStore) {
  const tables = await dumpTables(store);
  return { ...withoutCoordination(tables), blobs: tables.blobs };
}

/** As a process of its own would, for at most so many batches. */
async function copy(store: SuiteStore, setting: Setting, batches = Number.POSITIVE_INFINITY): Promise<void> {
  const sink = await openSink(setting.config, { directory: setting.directory, random: systemRandom });
  const { files } = setting;
  try {
    const copier = logCopier({
      store,
      journalDirectory: null,
      artifactFiles: files,
      sink,
      maxArtifactBytes: DEFAULT_MAX_ARTIFACT_BYTES,
    });
    for (let batch = 0; batch < batches; batch++) {
      const copied: Copied = await copier.copy();
      if (copied.isCaughtUp) return;
    }
  } finally {
    await sink.close();
  }
}

async function openAgain({ config, directory }: Setting): Promise<Sink> {
  const sink = await openSink(config, { directory, random: systemRandom });
  onTestFinished(() => sink.close());
  return sink;
}

async function restore(setting: Setting): Promise<{ store: SuiteStore; restored: Restored; files: ArtifactFiles }> {
  const source = await openAgain(setting);
  const store = await suite.openEmpty();
  const directory = aDirectory();
  const files = artifactFiles({ dir: join(directory, "artifacts"), random: seededRandom(4) });
  const restored = await restoreLog(
    { store, source, artifactFiles: files, random: systemRandom, directory },
    { mayContinue: false, mayBePartial: false, onBegin: async () => {} },
  );
  return { store, restored, files };
}

async function linesIn(sink: Sink, after = 0) {
  const found: { readonly seq: number; readonly line: unknown }[] = [];
  for await (const { line, isTerminated } of sink.read({ after })) {
    if (line.kind === "damaged" && isTerminated) expect.fail(line.why);
    if (line.kind === "change") found.push({ seq: line.change.seq, line });
  }
  return found;
}

function startFollowing(store: SuiteStore, { config, directory, files }: Setting) {
  return startReplicator({
    sinks: [config],
    store,
    journalDirectory: null,
    artifactFiles: files,
    projectDir: directory,
    clock: systemClock,
    random: systemRandom,
  });
}

const COPYING = fileURLToPath(new URL("./copying-process.ts", import.meta.url));

function startCopying({ config, directory }: Setting) {
  const child = spawn(process.execPath, [COPYING, directory, JSON.stringify(config)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const hasExited = once(child, "exit");
  return {
    isReady: once(child.stdout, "data"),
    async kill() {
      child.stdout.resume();
      child.kill("SIGKILL");
      await hasExited;
    },
  };
}

function bytesOf(random: Random, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  for (let at = 0; at + 4 <= count; at += 4) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), at);
  return bytes;
}

function aDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "perdure-sink-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
