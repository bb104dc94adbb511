/** A restore into a project on a server, which other machines reach too. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { restore } from "../operations/restore.ts";
import { listSessions } from "../store/commands/session-queries.ts";
import { createSession } from "../store/commands/sessions.ts";
import { useTestDatabase } from "../store/testing/postgres/test-database.ts";
import { aSession } from "../testing/builders.ts";
import type { Project } from "./open-project.ts";
import { openProject } from "./open-project.ts";

const database = useTestDatabase();

function aDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "perdure-machine-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function open(directory: string, { store, isRestoring = false }: { store?: string; isRestoring?: boolean } = {}) {
  const project = await openProject({
    directory,
    isExact: true,
    opensOnUse: true,
    isRestoring,
    store: store ?? null,
    durability: null,
    actor: "test",
  });
  onTestFinished(() => project.close());
  return project;
}

const sessionsOf = async ({ store }: Project): Promise<readonly string[]> =>
  (await store.execute(listSessions, { statuses: null, before: null, limit: 9 })).sessions.map(({ name }) => name);

test("a restore that is cut off keeps every machine out, and goes on from any of them", async () => {
  const [source, sink] = [aDirectory(), join(aDirectory(), "sink")];
  writeFileSync(join(source, "perdure.yaml"), JSON.stringify({ replication: [{ sink: "jsonl", path: sink }] }));
  const original = await open(source);
  for (const name of ["one", "two"]) await original.store.execute(createSession, aSession({ name }));
  await original.close();

  const store = `${database()}?project=restored`;
  const first = await open(aDirectory(), { store, isRestoring: true });
  // Killed as soon as it has begun.
  await first.restoreMark?.set();
  await first.close();
  await expect(open(aDirectory(), { store })).rejects.toMatchObject({
    code: "conflict",
    hint: expect.stringContaining("perdure restore"),
  });
  await open(aDirectory(), { store: `${database()}?project=another` });

  const second = await open(aDirectory(), { store, isRestoring: true });
  expect(await restore.run(second, { from: sink, partial: false })).toMatchObject({ missing: [], lastSeq: 2 });
  expect(await second.restoreMark?.isSet()).toBe(false);
  expect(await sessionsOf(await open(aDirectory(), { store }))).toEqual(["two", "one"]);
});

test("one that is refused leaves the project as it was", async () => {
  const [source, sink] = [aDirectory(), join(aDirectory(), "sink")];
  writeFileSync(join(source, "perdure.yaml"), JSON.stringify({ replication: [{ sink: "jsonl", path: sink }] }));
  const original = await open(source);
  await original.store.execute(createSession, aSession({ name: "one" }));
  await original.close();
  await restore.run(await open(aDirectory(), { store: `${database()}?project=first`, isRestoring: true }), {
    from: sink,
    partial: false,
  });

  // The database holds a project of that id already.
  const store = `${database()}?project=second`;
  const second = await open(aDirectory(), { store, isRestoring: true });
  await expect(restore.run(second, { from: sink, partial: false })).rejects.toMatchObject({ code: "conflict" });
  const opened = await open(aDirectory(), { store });
  await opened.store.execute(createSession, aSession({ name: "its own" }));
  expect(await sessionsOf(opened)).toEqual(["its own"]);
});
