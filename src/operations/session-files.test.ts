import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { describe, expect, test } from "vitest";

import type { SessionId } from "../domain/ids.ts";
import { asId } from "../domain/ids.ts";
import { deleteSessionPiece, discardSession } from "../store/commands/delete-session.ts";
import { sha256 } from "../base/sha256.ts";
import { seededRandom } from "../base/random.ts";
import type { Row } from "../store/command.ts";
import { dumpTables } from "../testing/table-dump.ts";
import { anEnvironment } from "../testing/builders.ts";
import {
  ARTIFACTS,
  DEPENDENCIES,
  EXECUTIONS,
  MEMORY,
  MESSAGES,
  SESSIONS,
  SIGNALS,
  STEPS,
  TASKS,
} from "../store/tables.ts";
import type { Store } from "../store/port.ts";
import { checkpointCreate } from "./checkpoint-create.ts";
import { checkpointRestore } from "./checkpoint-restore.ts";
import { memorySet } from "./memory-set.ts";
import { resumePoint } from "./resume-point.ts";
import { run } from "./run.ts";
import { messageAdd } from "./message-add.ts";
import { messageList } from "./message-list.ts";
import { runOperation } from "./operation.ts";
import { sessionDelete } from "./session-delete.ts";
import { sessionExport } from "./session-export.ts";
import { sessionImport } from "./session-import.ts";
import { sessionList } from "./session-list.ts";
import { sessionPause } from "./session-pause.ts";
import { taskAdd } from "./task-add.ts";
import { taskList } from "./task-list.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";

/** With a task that was worked and left a large artifact, one that is ready, and messages of all sizes. */
async function workedProject(): Promise<TestProject & { readonly artifact: Buffer }> {
  const project = aProject();
  const random = seededRandom(3);
  const artifact = Buffer.from(Array.from({ length: 500_001 }, () => Math.floor(random.next() * 256)));
  project.define("make", async (made) => {
    await made.step("think", () => "é".repeat(100_000));
    await made.artifact({ name: "out.bin", content: artifact });
    return "done";
  });
  const plan = join(project.projectDir, "plan.json");
  writeFileSync(
    plan,
    JSON.stringify({
      name: "work",
      tasks: [
        { id: "a", executor: "make" },
        { id: "b", manual: "Look" },
      ],
    }),
  );
  await runOperation(run, project, { input: { path: plan } });
  await runOperation(messageAdd, project, {
    input: {
      messages: [
        { role: "user", content: "hello" },
        { role: "assistant", content: "long ".repeat(2_000) },
      ],
    },
  });
  await runOperation(sessionPause, project, { input: {} });
  return Object.assign(project, { artifact });
}

async function exported(project: TestProject, name: string): Promise<string> {
  const path = join(project.projectDir, name);
  const { notices } = await runOperation(sessionExport, project, { input: { path } });
  expect(notices).toEqual([]);
  return path;
}

function withoutSeq(rows: readonly Row[] = []): readonly unknown[] {
  return rows.map((row) => ({ ...row, seq: null }));
}

describe("session-export and session-import", () => {
  test.each(["s.jsonl", "s.jsonl.gz"])(
    "carry a session over whole: journal, messages, artifacts (%s)",
    async (name) => {
      const project = await workedProject();
      const path = await exported(project, name);
      const there = aProject();
      const { session } = await runOperation(sessionImport, there, { input: { path } });
      expect(session).toMatchObject({ name: "work", status: "paused" });
      const [before, after] = await Promise.all([dumpTables(project.store), dumpTables(there.store)]);
      for (const table of ["tasks", "executions", "steps", "artifacts", "messages"]) {
        expect(withoutSeq(after[table])).toEqual(withoutSeq(before[table]));
      }
      const hash = sha256().update(project.artifact).digest("hex");
      expect((await there.artifactFiles.read(hash)).equals(project.artifact)).toBe(true);
      const { items, totals } = await runOperation(messageList, there, { input: { order: "oldest" } });
      expect(items.map(({ role }) => role)).toEqual(["user", "assistant"]);
      expect(totals.tokenCount).toBeGreaterThan(1_000);
    },
  );

  test("of the same content, compressed or not, are the same lines", async () => {
    const project = await workedProject();
    const plain = readFileSync(await exported(project, "a.jsonl"));
    expect(gunzipSync(readFileSync(await exported(project, "b.jsonl.gz"))).equals(plain)).toBe(true);
  });

  test("refuse a file that was cut or changed anywhere, and leave nothing behind in the tables", async () => {
    const project = await workedProject();
    const whole = readFileSync(await exported(project, "s.jsonl"));
    const there = aProject();
    const empty = await dumpTables(there.store);
    const path = join(there.projectDir, "bad.jsonl");
    const random = seededRandom(7);
    for (let round = 0; round < 120; round++) {
      const at = Math.floor(random.next() * whole.length);
      const bad = Buffer.from(whole);
      if (round % 2 === 0) bad[at] = (bad[at] ?? 0) ^ (1 << Math.floor(random.next() * 8));
      writeFileSync(path, round % 2 === 0 ? bad : whole.subarray(0, at));
      const refused = runOperation(sessionImport, there, { input: { path } });
      await expect(refused, `round ${round} at ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(invalid-input|unsupported)$/),
      });
    }
    expect(await dumpTables(there.store)).toEqual(empty);
  });

  test("refuse a compressed file that was cut", async () => {
    const project = await workedProject();
    const path = await exported(project, "s.jsonl.gz");
    writeFileSync(path, readFileSync(path).subarray(0, -100));
    const refused = runOperation(sessionImport, aProject(), { input: { path } });
    await expect(refused).rejects.toMatchObject({ code: "invalid-input" });
  });

  test("never replace a file, and never a session that is there", async () => {
    const project = await workedProject();
    const path = await exported(project, "s.jsonl");
    const again = runOperation(sessionExport, project, { input: { path } });
    await expect(again).rejects.toMatchObject({ code: "conflict" });
    const twice = runOperation(sessionImport, project, { input: { path } });
    await expect(twice).rejects.toMatchObject({ code: "conflict" });
    const { session } = await runOperation(sessionImport, project, { input: { path, newIds: true } });
    const { items } = await runOperation(sessionList, project, { input: {} });
    expect(items.map(({ id, originId }) => [id === session.id, originId])).toEqual([
      [true, items[1]?.id],
      [false, null],
    ]);
  });

  test("say which contents of artifacts are missing, and carry the rest", async () => {
    const project = await workedProject();
    const hash = sha256().update(project.artifact).digest("hex");
    writeFileSync(join(project.projectDir, ".perdure", "artifacts", hash.slice(0, 2), hash), "changed");
    const path = join(project.projectDir, "s.jsonl");
    const { notices, counts } = await runOperation(sessionExport, project, { input: { path } });
    expect([notices, counts.artifacts]).toEqual([[`the content of artifact ${hash} is missing or damaged`], 0]);
    const { session } = await runOperation(sessionImport, aProject(), { input: { path } });
    expect(session.name).toBe("work");
  });
});

describe("session-delete", () => {
  test("deletes the session named and nothing else", async () => {
    const project = await workedProject();
    const path = await exported(project, "s.jsonl");
    const { session } = await runOperation(sessionImport, project, { input: { path, newIds: true } });
    await runOperation(sessionDelete, project, { input: { session: session.id } });
    const { items } = await runOperation(sessionList, project, { input: {} });
    expect(items).toHaveLength(1);
    expect((await runOperation(taskList, project, { input: { all: true } })).items).toHaveLength(2);
  });
});

test("session-delete goes on where a killed process left off", async () => {
  const project = await workedProject();
  const { items } = await runOperation(sessionList, project, { input: {} });
  const sessionId = asId<SessionId>(items[0]?.id ?? "");
  await project.store.execute(discardSession, { sessionId });
  await project.store.execute(deleteSessionPiece, { sessionId, limit: 1 });
  await runOperation(sessionDelete, project, { input: { session: sessionId } });
  const { sessions, tasks, steps, messages, session_loads: loads } = await dumpTables(project.store);
  expect([sessions, tasks, steps, messages, loads]).toEqual([[], [], [], [], []]);
});

describe("resume-point", () => {
  test("names the task and the step work would go on with, and changes nothing", async () => {
    const project = aProject();
    project.define("wait", async (waiting) => {
      await waiting.step("first", () => 1);
      await waiting.waitFor("go");
    });
    await project.loadExecutors();
    const plan = join(project.projectDir, "plan.json");
    writeFileSync(
      plan,
      JSON.stringify({
        name: "work",
        tasks: [
          { id: "a", executor: "wait" },
          { id: "b", needs: ["a"], manual: "Look" },
        ],
      }),
    );
    await runOperation(run, project, { input: { path: plan } });
    const before = await dumpTables(project.store);
    const point = await runOperation(resumePoint, project, { input: {} });
    expect(point).toMatchObject({
      isResumable: true,
      session: { name: "work" },
      tasks: [{ kind: "waiting", key: "a", recordedSteps: 1 }],
    });
    expect(point.summary).toContain("goes on with a, which waits");
    expect(await dumpTables(project.store)).toEqual(before);
  });

  test("says when nothing is left", async () => {
    const project = aProject();
    await runOperation(taskAdd, project, { input: { title: "x", key: "x" } });
    const { items } = await runOperation(sessionList, project, { input: {} });
    await runOperation(sessionDelete, project, { input: { session: items[0]?.id } });
    await expect(runOperation(resumePoint, project, { input: {} })).rejects.toMatchObject({ code: "not-found" });
  });
});

test("an export of a newer program is refused by its schema version, and nothing is changed", async () => {
  const project = await workedProject();
  const newer = { ...anEnvironment(), perdureVersion: "9.0.0", schemaVersion: anEnvironment().schemaVersion + 1 };
  const path = join(project.projectDir, "newer.jsonl");
  await runOperation(sessionExport, { ...project, environment: async () => newer }, { input: { path } });
  const other = aProject();
  const before = await dumpTables(other.store);
  await expect(runOperation(sessionImport, other, { input: { path } })).rejects.toMatchObject({
    code: "store-too-new",
    message: expect.stringContaining("9.0.0"),
  });
  expect(await dumpTables(other.store)).toEqual(before);
});

test("a checkpoint that came with an imported session restores exactly what it was", async () => {
  const project = await workedProject();
  const made = await runOperation(checkpointCreate, project, { input: { label: "then" } });
  const state = async (store: Store): Promise<unknown> => {
    const tables = await dumpTables(store);
    return Object.fromEntries(
      [SESSIONS, TASKS, DEPENDENCIES, EXECUTIONS, STEPS, SIGNALS, ARTIFACTS, MESSAGES, MEMORY].map(({ name }) => [
        name,
        (tables[name] ?? []).map(({ seq: _seq, ...row }) => row),
      ]),
    );
  };
  const then = await state(project.store);
  await runOperation(messageAdd, project, { input: { messages: [{ role: "user", content: "later" }] } });
  await runOperation(taskAdd, project, { input: { title: "later" } });
  await runOperation(memorySet, project, { input: { key: "k", value: 1 } });
  const path = join(project.projectDir, "session.jsonl.gz");
  await runOperation(sessionExport, project, { input: { path } });

  const other = aProject({}, 2);
  await runOperation(taskAdd, other, { input: { title: "theirs" } });
  await runOperation(sessionImport, other, { input: { path } });
  expect(await state(other.store)).not.toEqual(then);
  await runOperation(checkpointRestore, other, { input: { checkpoint: made.id, wait: 0 } });

  expect(ofSession(await state(other.store), made.sessionId)).toEqual(ofSession(then, made.sessionId));
});

/** Only the rows of that session. */
function ofSession(tables: unknown, id: string): unknown {
  return Object.fromEntries(
    Object.entries(tables as Readonly<Record<string, readonly Row[]>>).map(([name, rows]) => [
      name,
      rows.filter((row) => row[name === "sessions" ? "id" : "session_id"] === id),
    ]),
  );
}
