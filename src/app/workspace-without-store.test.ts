import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { checkpointCreate } from "../operations/checkpoint-create.ts";
import { checkpointRestore } from "../operations/checkpoint-restore.ts";
import { runOperation } from "../operations/operation.ts";
import { createSession } from "../store/commands/sessions.ts";
import { listSessions } from "../store/commands/session-queries.ts";
import { aSession } from "../testing/builders.ts";
import { openProject } from "./open-project.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-workspace-store-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const STORES = [
  ["a jsonl store", "store: { backend: jsonl, path: ./data }\n", null],
  ["a database", "store: { path: ./data }\n", null],
  ["a database named when opening", "", "data/other.db"],
  ["a jsonl store named when opening", "", "jsonl:data"],
] as const;

describe("a snapshot of the workspace in which the store lies", () => {
  it.each(STORES)("leaves %s alone when its files are restored", async (_what, config, named) => {
    writeFileSync(join(directory, "perdure.yaml"), config);
    mkdirSync(join(directory, "data"));
    const notes = join(directory, "data", "notes.txt");
    writeFileSync(notes, "first");
    const store = named === null ? null : named.replace("data", join(directory, "data"));
    const open = () => openProject({ directory, isExact: true, store, durability: null, actor: "library" });
    const project = await open();
    const { id } = await project.store.execute(createSession, aSession());
    const made = await runOperation(checkpointCreate, project, { input: { session: id, workspace: true } });
    writeFileSync(notes, "second");
    await project.store.execute(createSession, aSession({ name: "since then" }));
    await runOperation(checkpointRestore, project, { input: { checkpoint: made.id, workspace: true, wait: 0 } });
    expect(readFileSync(notes, "utf8")).toBe("first");
    await project.close();

    const again = await open();
    const { sessions } = await again.store.execute(listSessions, { statuses: null, before: null, limit: 10 });
    expect(sessions.map(({ name }) => name)).toContain("since then");
    await again.close();
  });
});
