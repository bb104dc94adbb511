/** Artifacts in the database, beside machines that put them and clean up at the same time. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { systemRandom } from "../../base/random.ts";
import type { WorkerId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { aSession, aTask, aWorker } from "../../testing/builders.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { readLog } from "../../testing/store-suite/log-suite.ts";
import type { ArtifactFiles, ListedFile } from "../artifact-files.ts";
import { artifactFiles } from "../artifact-files.ts";
import { addArtifact } from "../commands/artifacts.ts";
import { claimTask } from "../commands/claims.ts";
import { createTasks } from "../commands/create-tasks.ts";
import { createSession } from "../commands/sessions.ts";
import type { Hold } from "../commands/task-rows.ts";
import { registerWorker } from "../commands/workers.ts";
import type { Store } from "../port.ts";
import { useTestDatabase } from "../testing/postgres/test-database.ts";
import { storePart } from "./artifact-parts.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { sharedArtifactFiles } from "./shared-artifacts.ts";

const HOUR_MS = 3_600_000;

const database = useTestDatabase();

interface Machine {
  readonly store: Store;
  readonly files: ArtifactFiles;
  readonly dir: string;
}

let clock: FakeClock;
let projects = 0;
const open: Machine[] = [];
beforeEach(() => {
  clock = fakeClock();
  projects += 1;
});
afterEach(async () => {
  for (const { store, dir } of open.splice(0)) {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
});

/** With a directory of its own, on the project of this test. What is to come `before` a command of it comes before that. */
async function aMachine(before?: (command: string) => Promise<void>): Promise<Machine> {
  const url = `${database()}?pool=2&project=shared-${projects}`;
  const opened = await openPostgresStore({ url, projectName: "p", actor: "test", clock, random: systemRandom });
  const store: Store = {
    execute: async (command, input, options) => {
      await before?.(command.name);
      return await opened.execute(command, input, options);
    },
    onCommit: (listener) => opened.onCommit(listener),
    close: () => opened.close(),
  };
  const dir = mkdtempSync(join(tmpdir(), "perdure-shared-"));
  const local = artifactFiles({ dir, random: systemRandom });
  const files = sharedArtifactFiles(store, { local, ownsLocal: true, random: systemRandom });
  const machine = { store, files, dir };
  open.push(machine);
  return machine;
}

/** Of a task that is worked. */
async function aHold({ store }: Machine): Promise<Hold> {
  await store.execute(registerWorker, aWorker("w1", { leaseMs: 1e9 }));
  const { id: sessionId } = await store.execute(createSession, aSession());
  const [task] = await store.execute(createTasks, { sessionId, tasks: [aTask({ ref: "a" })] });
  const { execution } = await store.execute(claimTask, {
    taskId: task?.id ?? asId("none"),
    workerId: asId<WorkerId>("w1"),
  });
  return { executionId: execution.id, fence: execution.fence };
}

async function record({ store }: Machine, hold: Hold, hash: string): Promise<void> {
  await store.execute(addArtifact, { hold, name: "a", mediaType: "x/y", sizeBytes: 1, hash });
}

async function newestSeq({ store }: Machine): Promise<number> {
  return (await readLog(store)).at(-1)?.seq ?? 0;
}

/** As a cleanup does that has looked through the log up to there. */
function remove({ files }: Machine, hash: string, lookedThrough: number, before = clock.now() - HOUR_MS) {
  return files.removeUnused(hash, { before, lookedThrough, isNeeded: async () => true });
}

async function listed({ files }: Machine): Promise<readonly ListedFile[]> {
  const all: ListedFile[] = [];
  for await (const page of files.list()) all.push(...page);
  return all;
}

const LARGE = 1_000_000;

describe("the content of an artifact in the database", () => {
  test("goes whole when it is old, and is told with its size and age", async () => {
    const [writer, cleaner] = [await aMachine(), await aMachine()];
    const content = randomBytes(LARGE);
    const { hash } = await writer.files.putBytes(content);
    const putAt = clock.now();
    expect(await listed(cleaner)).toEqual([{ hash, sizeBytes: LARGE, putAt }]);
    clock.advance(HOUR_MS);
    expect(await remove(cleaner, hash, 0)).toBe(false);
    clock.advance(1);
    expect(await remove(cleaner, hash, 0)).toBe(true);
    expect(await listed(cleaner)).toEqual([]);
    expect(await cleaner.files.has(hash)).toBe(false);
    await expect(cleaner.files.read(hash)).rejects.toMatchObject({ code: "not-found" });
  });

  test("goes together with local copies that are not needed either", async () => {
    const writer = await aMachine();
    const { hash } = await writer.files.putBytes(Buffer.from("x"));
    clock.advance(2 * HOUR_MS);
    const path = join(writer.dir, hash.slice(0, 2), hash);
    const rule = { lookedThrough: 0, isNeeded: async () => false };
    expect(existsSync(path)).toBe(true);
    expect(await writer.files.removeUnused(hash, { ...rule, before: Number.MAX_SAFE_INTEGER })).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  test("is young again for a writer that finds it there", async () => {
    const [writer, cleaner] = [await aMachine(), await aMachine()];
    const { hash } = await cleaner.files.putBytes(Buffer.from("x"));
    clock.advance(2 * HOUR_MS);
    const lookedThrough = await newestSeq(cleaner);
    await writer.files.putBytes(Buffer.from("x"));
    expect(await remove(cleaner, hash, lookedThrough)).toBe(false);
    clock.advance(2 * HOUR_MS);
    expect(await writer.files.renew(hash)).toBe(true);
    expect(await remove(cleaner, hash, lookedThrough)).toBe(false);
  });

  test("stays, however old, when a change refers to it that came after the log was looked through", async () => {
    const [writer, cleaner] = [await aMachine(), await aMachine()];
    const hold = await aHold(writer);
    const { hash } = await writer.files.putBytes(Buffer.from("x"));
    const lookedThrough = await newestSeq(cleaner);
    await record(writer, hold, hash);
    clock.advance(2 * HOUR_MS);
    expect(await remove(cleaner, hash, lookedThrough)).toBe(false);
    expect(await cleaner.files.read(hash)).toEqual(Buffer.from("x"));
  });

  test("is stored from the first part on by a writer that fell asleep between two and was cleaned up after", async () => {
    const cleaner = await aMachine();
    let parts = 0;
    const sleepy = await aMachine(async (command) => {
      if (command !== storePart.name || ++parts !== 3) return;
      const [{ hash } = { hash: "" }] = await listed(cleaner);
      clock.advance(2 * HOUR_MS);
      expect(await remove(cleaner, hash, 0)).toBe(true);
    });
    const content = randomBytes(LARGE);
    const { hash } = await sleepy.files.putBytes(content);
    expect(parts).toBe(6);
    expect(await cleaner.files.read(hash)).toEqual(content);
  });

  test("is there whole once it is referred to, wherever in the writer's work a cleanup comes", async () => {
    let cleanup: ((command: string) => Promise<void>) | null = null;
    const [cleaner, reader] = [await aMachine(), await aMachine()];
    const writer = await aMachine(async (command) => await cleanup?.(command));
    const hold = await aHold(writer);
    const removedBefore: string[] = [];
    for (const isWaitedFor of [true, false]) {
      for (let place = 0; place < 4; place++) {
        // Left over from somebody who never referred to it.
        const content = randomBytes(500_000);
        const { hash } = await cleaner.files.putBytes(content);
        clock.advance(2 * HOUR_MS);
        const lookedThrough = await newestSeq(cleaner);
        let commands = 0;
        let removing: Promise<void> | null = null;
        cleanup = async (command) => {
          if (commands++ !== place) return;
          removing = remove(cleaner, hash, lookedThrough).then((isGone) => {
            if (isGone) removedBefore.push(command);
          });
          if (isWaitedFor) await removing;
        };
        await writer.files.putBytes(content);
        await record(writer, hold, hash);
        await removing;
        cleanup = null;
        expect(await reader.files.read(hash)).toEqual(content);
      }
    }
    expect(removedBefore[0]).toBe("renew-artifact-content");
  });
});
