/** The library called as its types forbid: each call is refused with the argument that is wrong, and nothing is kept. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, it } from "vitest";

import type { WorkingMemory } from "../memory/working-memory.ts";
import type { Perdure } from "./perdure.ts";
import { openPerdure } from "./perdure.ts";

let directory: string;
let perdure: Perdure;
let memory: WorkingMemory;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "perdure-misuse-"));
  perdure = await openPerdure({ project: directory });
  await perdure.sessions.create({ name: "s" });
  memory = await perdure.memory.of("s");
});
afterAll(async () => {
  await perdure.close();
  rmSync(directory, { recursive: true, force: true });
});

type Methods = Readonly<Record<string, (...given: readonly unknown[]) => unknown>>;

it.each<[string, string, readonly unknown[], string, () => object]>([
  ["facts", "remember", ["a text"], "fact:", () => perdure.facts],
  ["facts", "remember", [], "fact:", () => perdure.facts],
  ["facts", "remember", [{ text: "a" }], "fact.source:", () => perdure.facts],
  ["facts", "remember", [{ text: "a", source: "b", kind: "no kind" }], "fact.kind:", () => perdure.facts],
  ["facts", "recall", [{}], "query:", () => perdure.facts],
  ["facts", "list", [{ kinds: "decision" }], "filter.kinds:", () => perdure.facts],
  ["facts", "get", [undefined], "reference:", () => perdure.facts],
  ["memory", "store", [], "key:", () => memory],
  ["memory", "store", [5, 1], "key:", () => memory],
  ["memory", "store", ["k", 1, "90m"], "options:", () => memory],
  ["memory", "store", ["k", 1, { ttl: {} }], "options.ttl:", () => memory],
  ["memory", "list", [{ limit: "x" }], "options.limit:", () => memory],
  ["memory", "getSummary", [{ strategy: "x" }], "options.strategy:", () => memory],
  ["sessions", "create", ["s"], "session:", () => perdure.sessions],
  ["sessions", "get", [], "reference:", () => perdure.sessions],
  ["messages", "append", ["s", "hello"], "messages:", () => perdure.sessions.messages],
  ["checkpoints", "create", ["s", "a label"], "options:", () => perdure.checkpoints],
  ["checkpoints", "restore", ["x", { waitMs: "x" }], "options.waitMs:", () => perdure.checkpoints],
  ["tasks", "create", ["a"], "task:", () => perdure.tasks],
  ["tasks", "createAll", [[{ title: "a" }]], "tasks.0.executor:", () => perdure.tasks],
  ["tasks", "list", [{ statuses: "pending" }], "filter.statuses:", () => perdure.tasks],
])("%s.%s(%j) is refused", async (_, method, given, problem, api) => {
  const call = (api() as Methods)[method];
  await expect(call?.(...given)).rejects.toMatchObject({
    code: "invalid-input",
    details: { problems: [expect.stringContaining(problem)] },
  });
});

it("nothing of it was kept", async () => {
  expect((await perdure.facts.list()).facts).toEqual([]);
  expect((await memory.list()).entries).toEqual([]);
  expect((await perdure.tasks.list()).items).toEqual([]);
});

it("does not quote a whole document in its complaint", async () => {
  const remember = (perdure.facts as unknown as Methods).remember;
  const refused = await Promise.resolve(remember?.("x".repeat(100_000))).catch((error: unknown) => error);
  expect(String(refused).length).toBeLessThan(500);
});
