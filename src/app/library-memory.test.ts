import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { anEmbedder } from "../memory/testing/an-embedder.ts";
import type { OpenPerdureOptions } from "./perdure.ts";
import { openPerdure } from "./perdure.ts";

async function open(options: OpenPerdureOptions = {}) {
  const project = mkdtempSync(join(tmpdir(), "perdure-library-"));
  const perdure = await openPerdure({ project, durability: "normal", ...options });
  onTestFinished(async () => {
    await perdure.close();
    rmSync(project, { recursive: true, force: true });
  });
  return perdure;
}

test("working memory is of one session, by id or name, or of the default one", async () => {
  const perdure = await open();
  const session = await perdure.sessions.create({ name: "nightly" });
  const nightly = await perdure.memory.of("nightly");
  expect(nightly.sessionId).toBe(session.id);
  const { entry } = await nightly.store("k", { deep: [1] }, { importance: 0.7, ttl: "5m" });
  expect(entry.expiresAt).toBe(entry.createdAt + 300_000);
  expect(await (await perdure.memory.of()).retrieve("k")).toBeNull();
  expect(await (await perdure.memory.of(session.id.slice(0, 12))).retrieve("k")).toEqual(entry);
  await expect(perdure.memory.of("nobody")).rejects.toMatchObject({ code: "not-found" });
});

test("working removes what has expired", async () => {
  const perdure = await open();
  const memory = await perdure.memory.of();
  await memory.store("k", 1, { ttl: 1 });
  await perdure.work({ until: "idle" });
  expect((await memory.list()).entries).toEqual([]);
});

test("facts are remembered, recalled by meaning, superseded, forgotten and carried over", async () => {
  const perdure = await open({ embedder: anEmbedder() });
  const { facts } = perdure;
  const { fact } = await facts.remember({ text: "Storage is one file", source: "docs", kind: "decision", trust: 0.9 });
  const built = await facts.remember({ text: "Copies are cheap", source: "a test", dependsOn: [fact.id.slice(0, 8)] });
  expect((await facts.recall("database")).facts[0]?.id).toBe(fact.id);
  expect((await facts.recall({ query: "copies", maxTokens: 40, limit: 1 })).tokenCount).toBeLessThanOrEqual(40);
  const { superseded } = await facts.remember({ text: "Storage is a server", source: "docs", supersedes: fact.id });
  expect(superseded?.questioned.map(({ id }) => id)).toEqual([built.fact.id]);
  expect((await facts.confirm(built.fact.id, "checked")).status).toBe("active");
  expect((await facts.edit(built.fact.id, "Copies are quick")).version).toBe(2);
  expect((await facts.forget(built.fact.id, "no longer")).fact.status).toBe("retired");
  expect((await facts.history(built.fact.id)).map(({ verb }) => verb)).toEqual([
    "remember",
    "question",
    "confirm",
    "edit",
    "retire",
  ]);
  expect((await facts.list({ statuses: ["active"] })).facts).toHaveLength(1);
  const file = await facts.export();
  const other = await open();
  expect(await other.facts.import(file)).toMatchObject({ added: 3, known: 0 });
  expect(await other.facts.export()).toBe(file);
  await expect(facts.recall(" ")).rejects.toMatchObject({ code: "invalid-input" });
});
