import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { seededRandom } from "../base/random.ts";
import type { Json } from "../base/json.ts";
import { sha256 } from "../base/sha256.ts";
import { artifactFiles } from "../store/artifact-files.ts";
import { createTasks } from "../store/commands/create-tasks.ts";
import { createSession } from "../store/commands/sessions.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import { aSession, aTask } from "../testing/builders.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { readLog } from "../testing/store-suite/log-suite.ts";
import { journalMirror } from "./journal-mirror.ts";
import { journalEvidence } from "./log-mirror.ts";

const LARGE = { text: "x".repeat(80_000) };
const LARGE_HASH = sha256().update(JSON.stringify(LARGE)).digest("hex");

/** A store with eight tasks, the fourth with a large input, and a journal that has them all. */
async function aMirroredStore(seed = 1) {
  const base = mkdtempSync(join(tmpdir(), "perdure-evidence-"));
  const directory = join(base, "journal");
  const [clock, random] = [fakeClock(), seededRandom(seed)];
  const store = openSqliteStore({ path: ":memory:", projectName: "test", actor: "test", clock, random });
  onTestFinished(async () => {
    await store.close();
    rmSync(base, { recursive: true, force: true });
  });
  const files = artifactFiles({ dir: join(base, "artifacts"), random });
  const { id: sessionId } = await store.execute(createSession, aSession());
  const addTask = (ref: string, input: Json): Promise<unknown> =>
    store.execute(createTasks, { sessionId, tasks: [aTask({ ref, input })] });
  for (let index = 0; index < 8; index += 1) await addTask(`t${index}`, index === 3 ? LARGE : index);
  await journalMirror({ store, directory, artifactFiles: files }).append(1_000);
  const [name = ""] = readdirSync(directory);
  const path = join(directory, name);
  const log = await readLog(store);
  const newest = log.at(-1)?.seq ?? 0;
  const ofLarge = log.find(({ after }) => JSON.stringify(after).includes(LARGE_HASH))?.seq ?? 0;
  return {
    base,
    store,
    path,
    addTask,
    newest,
    ofLarge,
    ...journalEvidence({ store, directory, artifactFiles: files }),
  };
}

function changeLine(path: string, seq: number, edit: (line: string) => string): void {
  const lines = readFileSync(path, "utf8").split("\n");
  const edited = lines.flatMap((line) => (line.startsWith(`{"seq":${seq},`) ? edit(line) : [line]));
  writeFileSync(path, edited.filter((line, index) => line !== "" || index === edited.length - 1).join("\n"));
}

describe("what the journal proves", () => {
  it("is every change up to the last it has, and the files that stand in it", async () => {
    const { mirroredSeq, filesInUse, newest, addTask } = await aMirroredStore();
    await addTask("later", 1);
    expect(await mirroredSeq()).toBe(newest);
    expect(await filesInUse()).toEqual(new Set([LARGE_HASH]));
  });

  it.each<[string, (line: string) => string]>([
    ["damaged", (line) => line.replace("create", "crexte")],
    ["missing", () => ""],
  ])("ends before a line that is %s, whatever follows", async (_, damage) => {
    const { mirroredSeq, path } = await aMirroredStore();
    changeLine(path, 5, damage);
    expect(await mirroredSeq()).toBe(4);
  });

  it("is nothing of files where a line is damaged: it may have named one", async () => {
    const { filesInUse, path } = await aMirroredStore();
    changeLine(path, 5, (line) => line.replace("create", "crexte"));
    expect(await filesInUse()).toBeNull();
  });

  it("ends before a change whose large value is not in its file", async () => {
    const { mirroredSeq, base, ofLarge } = await aMirroredStore();
    rmSync(join(base, "artifacts", LARGE_HASH.slice(0, 2), LARGE_HASH));
    expect(await mirroredSeq()).toBe(ofLarge - 1);
  });

  it("is nothing without a journal, and with one of another store", async () => {
    const { path, mirroredSeq, filesInUse } = await aMirroredStore();
    const other = await aMirroredStore(2);
    rmSync(path);
    expect([await mirroredSeq(), await filesInUse()]).toEqual([null, null]);
    writeFileSync(path, readFileSync(other.path));
    expect(await mirroredSeq()).toBeNull();
  });
});
