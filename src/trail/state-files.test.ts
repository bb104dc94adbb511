import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { Json } from "../base/json.ts";
import type { CommandContext } from "../store/command.ts";
import { defineWrite } from "../store/command.ts";
import { cancelSession, completeSession } from "../store/commands/sessions.ts";
import { insertRow } from "../store/rows.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import { FACTS, MEMORY } from "../store/tables.ts";
import { createSuite } from "../testing/store-suite/bench.ts";
import { stateFiles } from "./state-files.ts";

const suite = createSuite({
  name: "sqlite in memory",
  open: async ({ storeName, ...deps }) => openSqliteStore({ path: ":memory:", projectName: storeName, ...deps }),
  openSecond: null,
});

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-state-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const read = (name: string): Json => JSON.parse(readFileSync(join(directory, name), "utf8")) as Json;
const historyOf = (id: string): string => join(directory, "tasks", "history", `${id}.json.gz`);

interface Note {
  readonly sessionId: string;
  readonly key: string;
  readonly value: Json;
}
const putEntry = defineWrite("put-entry", function* (context: CommandContext, { sessionId, key, value }: Note) {
  const text = JSON.stringify(value);
  const times = { created_at: context.now, updated_at: context.now, expires_at: null };
  const row = { session_id: sessionId, key, value: text, importance: 0.5, size_bytes: text.length, ...times };
  yield* insertRow(context, MEMORY, row, { verb: "store" });
});
const putFact = defineWrite(
  "put-fact",
  function* (
    context: CommandContext,
    input: { readonly kind: string; readonly text: string; readonly status: string },
  ) {
    const times = { created_at: context.now, updated_at: context.now };
    const row = {
      id: context.uuid(),
      source: "test",
      trust: 1,
      content_hash: input.text,
      version: 1,
      ...times,
      ...input,
    };
    yield* insertRow(context, FACTS, row, { verb: "create" });
  },
);

describe("tasks/current.json", () => {
  it("says what runs, what is done and what is known, as documented", async () => {
    const { store, session, clock, ...bench } = await suite.open();
    const context = { files_modified: ["src/main.ts"], decisions: ["Use async pattern"] };
    await bench.create({ ref: "setup", title: "Setup project" }, { ref: "build", title: "Implement X", context });
    await bench.create({ ref: "later", title: "Later", needs: ["build"] }, { ref: "next", title: "Next", priority: 9 });
    const setup = await bench.start("setup");
    clock.advance(300_000);
    await bench.complete(setup);
    const build = await bench.start("build");
    await store.execute(putEntry, { sessionId: session.id, key: "project_type", value: "cli_tool" });
    await store.execute(putFact, { kind: "decision", text: "No servers", status: "active" });
    await store.execute(putFact, { kind: "decision", text: "Two servers", status: "superseded" });
    await store.execute(putFact, { kind: "pattern", text: "One idea a file", status: "questioned" });
    await stateFiles({ store, directory }).update(10);

    expect(read("tasks/current.json")).toEqual({
      session_id: session.id,
      started_at: "2026-01-20T10:00:00.000Z",
      current_task: {
        id: build.task.id,
        name: "Implement X",
        status: "in_progress",
        started_at: "2026-01-20T10:05:00.000Z",
        context: { files_modified: ["src/main.ts"], decisions: ["Use async pattern", "No servers"] },
      },
      completed_tasks: [
        { id: setup.task.id, name: "Setup project", completed_at: "2026-01-20T10:05:00.000Z", duration_seconds: 300 },
      ],
      memory: { project_type: "cli_tool", key_decisions: ["No servers"], learned_patterns: ["One idea a file"] },
      completed_count: 1,
      running_tasks: [expect.objectContaining({ name: "Implement X" })],
      next_tasks: [expect.objectContaining({ name: "Next", priority: 9 })],
    });
    expect(read("memory.json")).toMatchObject({
      facts: [{ text: "One idea a file", status: "questioned" }, { text: "No servers" }],
      facts_count: 2,
      working_memory: [{ session_id: session.id, entries: [{ key: "project_type", value: "cli_tool" }] }],
    });
  });

  it("keeps its shape when nothing is unfinished", async () => {
    const store = await suite.openEmpty();
    await stateFiles({ store, directory }).update(10);
    expect(read("tasks/current.json")).toMatchObject({
      session_id: null,
      current_task: null,
      completed_tasks: [],
      memory: { project_type: null, key_decisions: [], learned_patterns: [] },
    });
  });

  it("is not written again when nothing changed", async () => {
    const { store } = await suite.open();
    await stateFiles({ store, directory }).update(10);
    const first = readFileSync(join(directory, "tasks", "current.json"), "utf8");
    await stateFiles({ store, directory }).update(10);
    expect(readFileSync(join(directory, "tasks", "current.json"), "utf8")).toBe(first);
  });
});

describe("tasks/history", () => {
  it("gets a file for each finished session, with what came of its tasks", async () => {
    const { store, session, ...bench } = await suite.open();
    await bench.create({ ref: "a" }, { ref: "large" });
    await bench.complete(await bench.start("a"), { answer: 42 });
    await bench.complete(await bench.start("large"), "x".repeat(100_000));
    const files = stateFiles({ store, directory });
    await files.update(10);
    expect(existsSync(historyOf(session.id))).toBe(false);

    await store.execute(completeSession, { sessionId: session.id, note: null });
    expect(await files.update(0)).toBe(false);
    expect(await files.update(10)).toBe(true);
    const history = JSON.parse(gunzipSync(readFileSync(historyOf(session.id))).toString()) as Json;
    expect(history).toMatchObject({
      session_id: session.id,
      status: "completed",
      tasks: [
        { key: "a", status: "completed", result: { answer: 42 } },
        { key: "large", result_artifact: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ],
    });
  });

  it("loses the file of a session that is opened again, also in another process", async () => {
    const { store, session, ...bench } = await suite.open();
    await bench.create({ ref: "a" });
    await bench.finish("a");
    await store.execute(completeSession, { sessionId: session.id, note: null });
    await stateFiles({ store, directory }).update(10);
    expect(existsSync(historyOf(session.id))).toBe(true);
    await bench.create({ ref: "b" });
    await stateFiles({ store, directory }).update(10);
    expect(existsSync(historyOf(session.id))).toBe(false);
    await store.execute(cancelSession, { sessionId: session.id });
    await stateFiles({ store, directory }).update(10);
    expect(existsSync(historyOf(session.id))).toBe(true);
  });
});
