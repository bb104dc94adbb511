import { describe, expect, it } from "vitest";

import type { Run } from "../engine/run.ts";
import { workplaces } from "../engine/testing/workplace.ts";
import type { Workplace } from "../engine/testing/workplace.ts";
import { defineWrite } from "../store/command.ts";
import type { Command, SqlValue } from "../store/command.ts";
import { createSession } from "../store/commands/sessions.ts";
import { finishTask } from "../store/commands/task-actions.ts";
import { insertRow } from "../store/rows.ts";
import { tableOf } from "../store/tables.ts";
import { aSession } from "../testing/builders.ts";
import { brief } from "./brief.ts";
import type { OperationContext } from "./operation.ts";
import { runOperation } from "./operation.ts";
import { planSubmitInline } from "./plan-submit-inline.ts";
import { readBrief } from "./testing/read-brief.ts";
import { aProject } from "./testing/project.ts";

const { open } = workplaces();

const insert = defineWrite(
  "insert-for-test",
  function* (
    context,
    input: { readonly table: string; readonly values: Readonly<Record<string, SqlValue>> },
  ): Command<void> {
    const table = tableOf(input.table);
    if (table === undefined) throw new Error(`no table ${input.table}`);
    yield* insertRow(context, table, input.values, { verb: "create" });
  },
);

async function contextOf(place: Workplace, alive = true): Promise<OperationContext> {
  const host = {
    id: "here",
    pid: 9,
    startToken: "t",
    startTokenOf: (pid: number) => (alive ? `started-${pid}` : null),
  };
  return { ...aProject(), store: place.store, clock: place.clock, host };
}

async function briefOf(context: OperationContext, tokens = 1_000, session: string | null = null) {
  return await runOperation(brief, context, { input: { session, tokens } });
}

async function addFact(place: Workplace, values: Readonly<Record<string, SqlValue>>): Promise<void> {
  const at = place.clock.now();
  const base = { source: "task build", trust: 1, status: "active", status_note: null, supersedes_id: null, version: 1 };
  const times = { created_at: at, updated_at: at, content_hash: String(values.id) };
  await place.store.execute(insert, { table: "facts", values: { ...base, ...times, ...values } });
}

describe("brief", () => {
  it("names neighbours of which the same is said in one, and leaves room for what is next and for facts", async () => {
    const place = await open();
    const tasks = Array.from({ length: 300 }, (_, at) => ({
      id: `1.${at + 1}`,
      title: `Part ${at + 1}`,
      needs: at < 10 ? [] : [`1.${at - 9}`],
    }));
    const context = await contextOf(place);
    await runOperation(planSubmitInline, context, { input: { name: "Parts", tasks } });
    for (let at = 1; at <= 20; at += 1) {
      await addFact(place, { id: `f${at}`, kind: "finding", text: `Found ${at}` });
    }
    const { text, tokenCount, omitted } = await briefOf(context, 700);
    expect(text).toContain("Next 10: 1.1..1.10\nBlocked 290: 1.11..1.80 (dependencies); 220 more\n");
    expect(text).toContain("## Next in order\n");
    expect(text).toContain("## Decisions and constraints in force (10 of 20)");
    expect(tokenCount).toBeLessThanOrEqual(700);
    expect(omitted).toMatchObject({ blocked: 220 });
  });

  it("names the step a running task has reached, and says when its worker is gone", async () => {
    const place = await open();
    await place.add("build", async (run: Run) => {
      await run.step("compile", () => 1);
      await run.step("link", () => new Promise(() => {}));
    });
    await place.work();
    await place.settle();

    const alive = await briefOf(await contextOf(place));
    const gone = await briefOf(await contextOf(place, false));

    expect(alive.text).toContain('Now 1: build after "compile"');
    expect(alive.sections.running?.[0]).toMatch(/^build: attempt 1, since .*, by /);
    expect(alive.commands).toEqual([`perdure watch ${place.session.id.slice(0, 8)}`]);
    expect(gone.sections.running?.[0]).toContain("STOPPED");
    expect(gone.now[0]).toMatchObject({ key: "build", stopped: true });
    expect(gone.commands).toEqual([`perdure resume ${place.session.id.slice(0, 8)}`]);
    place.kill(1);
  });

  it("tells what somebody has to answer, with the command that answers", async () => {
    const place = await open();
    await place.add("publish", (run: Run) => run.approval("Publish 1.4?"));
    await place.work();
    await place.settle();

    const told = await briefOf(await contextOf(place));

    expect(told.sections.questions).toEqual([
      'publish asks "Publish 1.4?"; `perdure task approve publish` or `perdure task reject publish`',
    ]);
    expect(told.commands).toEqual(["perdure task approve publish"]);
  });

  it("gives the evidence of what was done by hand, and the files tasks name", async () => {
    const place = await open();
    const taskId = await place.add("notes", () => null, {
      executor: "manual",
      title: "Write the notes",
      context: { files_modified: ["docs/b.md", "docs/a.md"], files: ["docs/a.md"] },
    });
    const outcome = { status: "completed", result: { evidence: "all 12 links work" } } as const;
    await place.store.execute(finishTask, { taskId, outcome, next: null, evenIfBlocked: false });

    const { sections } = await briefOf(await contextOf(place));

    expect(sections.done?.[0]).toMatch(/^notes "Write the notes": at .*, evidence "all 12 links work"$/);
    expect(sections.files).toEqual(['"docs/a.md"', '"docs/b.md"']);
  });

  it("lists facts in force, decisions and constraints first, and marks the questioned", async () => {
    const place = await open();
    await addFact(place, { id: "f1", kind: "finding", text: "Windows paths differ" });
    await addFact(place, { id: "f2", kind: "decision", text: "Use SQLite" });
    await addFact(place, {
      id: "f3",
      kind: "constraint",
      text: "Node 22",
      status: "questioned",
      status_note: "f0 fell",
    });
    await addFact(place, { id: "f4", kind: "decision", text: "Use MySQL", status: "superseded" });

    const { sections } = await briefOf(await contextOf(place));

    expect(sections.facts).toEqual([
      'decision "Use SQLite" (from "task build")',
      'constraint "Node 22" (from "task build", questioned: "f0 fell")',
      'finding "Windows paths differ" (from "task build")',
    ]);
    expect(sections.questions).toEqual(['Does this still hold? "Node 22"']);
  });

  it("tells what changed in the environment since the one before", async () => {
    const place = await open();
    const at = place.clock.now();
    for (const [hash, nodeVersion] of [
      ["h1", "22.1.0"],
      ["h2", "24.0.0"],
    ] as const) {
      const content = JSON.stringify({ nodeVersion, platform: "linux", changedFiles: ["src/new.ts"] });
      await place.store.execute(insert, { table: "environments", values: { hash, content, created_at: at } });
      const values = { id: hash, session_id: place.session.id, label: "auto", kind: "automatic", position: 1 };
      const rest = { environment_hash: hash, checksum: "c", created_at: at, workspace: null };
      await place.store.execute(insert, { table: "checkpoints", values: { ...values, ...rest } });
    }

    const { sections } = await briefOf(await contextOf(place));

    expect(sections.environment).toEqual([expect.stringMatching(/^"nodeVersion": "22\.1\.0" became "24\.0\.0" by 20/)]);
    expect(sections.files).toEqual(['"src/new.ts"']);
  });

  it("gives important entries of working memory that have not expired, and counts messages", async () => {
    const place = await open();
    const at = place.clock.now();
    const entry = { session_id: place.session.id, size_bytes: 1, created_at: at, updated_at: at };
    const entries = [
      { key: "branch", value: '"release"', importance: 0.9, expires_at: null },
      { key: "noise", value: "1", importance: 0.1, expires_at: null },
      { key: "old", value: "1", importance: 1, expires_at: at - 1 },
    ];
    for (const values of entries)
      await place.store.execute(insert, { table: "memory", values: { ...entry, ...values } });
    const message = { session_id: place.session.id, position: 0, role: "user", parts: "[]", token_count: 12 };
    await place.store.execute(insert, { table: "messages", values: { ...message, created_at: at } });

    const { sections } = await briefOf(await contextOf(place));

    expect(sections.memory).toEqual(['"branch" = "release"']);
    expect(sections.messages).toEqual([expect.stringMatching(/^1 messages of 12 tokens, the newest at /)]);
  });

  it("names the other unfinished sessions", async () => {
    const place = await open();
    const newer = await place.store.execute(createSession, aSession({ name: "newer" }));

    const told = await briefOf(await contextOf(place));

    expect(told.session?.id).toBe(newer.id);
    expect(told.sections.others).toEqual([`"test" ${place.session.id.slice(0, 8)} active`]);
  });

  it("says how to begin where there is no session", async () => {
    const told = await briefOf(aProject());

    expect(told).toMatchObject({ session: null, text: 'Project "test"\nNo session yet\nContinue: `perdure run PLAN`' });
  });

  it("says which particulars there was no room for", async () => {
    const place = await open();
    for (let index = 0; index < 30; index += 1)
      await addFact(place, { id: `f${index}`, kind: "decision", text: "Use it ".repeat(30) });
    for (let index = 0; index < 30; index += 1) await place.add(`task-${index}`, () => null);

    const told = await briefOf(await contextOf(place), 140);

    expect(told.text).toMatch(/\n\nNot shown: .*facts 30/);
    expect(told.tokenCount).toBeLessThanOrEqual(140);
  });

  it("refuses a budget in which nothing can be said, and fits every other", async () => {
    const place = await open();
    for (let index = 0; index < 60; index += 1) await place.add(`task-${index}-${"x".repeat(index)}`, () => null);
    const context = await contextOf(place);

    await expect(briefOf(context, 99)).rejects.toMatchObject({ code: "limit-reached" });
    for (let tokens = 100; tokens < 2_500; tokens += 97) {
      const told = await briefOf(context, tokens);
      expect(told.tokenCount).toBeLessThanOrEqual(tokens);
      expect(readBrief(told.text).lists.get("Next")?.count).toBe(60);
      expect((told.omitted.next ?? 0) + told.next.length).toBe(60);
    }
  });
});
