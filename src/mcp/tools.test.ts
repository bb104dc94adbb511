/** What the tools of a project do for an agent, in both eras of the protocol. */

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { loadTokenCounter } from "../context/token-counter.ts";
import { MANUAL_LEASE_MS } from "../operations/manual-claims.ts";
import { ANSWER_LIMITS } from "./answer-limits.ts";
import type { McpBench, TestClient } from "./testing/mcp-bench.ts";
import { createMcpBench, ERAS, taskWithQuestion } from "./testing/mcp-bench.ts";

let bench: McpBench;

beforeEach(async () => {
  bench = await createMcpBench();
});

afterEach(async () => {
  expect(bench.errors).toEqual([]);
  await bench.close();
});

const PLAN = { name: "Plan", tasks: [{ id: "a" }, { id: "b", needs: ["a"] }, { id: "c" }, { id: "d" }] };

async function withPlan(options?: Parameters<McpBench["connect"]>[0]): Promise<TestClient> {
  const agent = await bench.connect(options);
  expect((await agent.call("submit_plan", PLAN)).isError).toBe(false);
  return agent;
}

const keyOf = (data: Record<string, unknown>): unknown => (data.task as { key?: string } | null)?.key ?? null;

describe("the tool list", () => {
  test.each(ERAS)("fits into its budget of tokens (%s)", async (era) => {
    const { client } = await bench.connect({ era });
    const { tools } = await client.listTools();
    const { count } = await loadTokenCounter();
    expect(count(JSON.stringify(tools))).toBeLessThanOrEqual(ANSWER_LIMITS.toolListTokens);
  });

  test("describes each tool, what it takes, what it gives and what it may do", async () => {
    const { client } = await bench.connect();
    const { tools } = await client.listTools();
    const incomplete = tools.filter(
      (tool) =>
        tool.description === undefined ||
        tool.outputSchema?.type !== "object" ||
        tool.inputSchema.type !== "object" ||
        tool.annotations?.readOnlyHint === undefined,
    );
    expect(incomplete.map(({ name }) => name)).toEqual([]);
  });
});

describe("an answer", () => {
  // Some agents give their model the data of an answer, others its text.
  test("is bounded as data too", async () => {
    const { count } = await loadTokenCounter();
    const agent = await bench.connect();
    const tasks = Array.from({ length: 600 }, (_, at) => ({ id: `part-${at}-${"long ".repeat(6)}${at * 7}` }));
    await agent.call("submit_plan", { name: "Many", tasks });
    const told = await agent.call("get_brief", { tokens: 1_000 });
    expect(count(JSON.stringify(told.data))).toBeLessThanOrEqual(1_500);
    expect(told.data).toMatchObject({ counts: { pending: 600 } });
    for (let at = 0; at < 8; at += 1) {
      const fact = `The parser ${at} ${`reads what ${at} `.repeat(80)}`;
      await agent.call("remember", { fact, kind: "finding" });
    }
    for (const tokens of [50, 1_000]) {
      const { data } = await agent.call("recall", { query: "what does the parser read", tokens });
      expect(data.facts).not.toEqual([]);
      expect(count(JSON.stringify(data))).toBeLessThanOrEqual(tokens + 150);
    }
  });

  test("says as data too how it goes on", async () => {
    const agent = await withPlan();
    expect((await agent.call("next_task")).data.next_step).toContain("update_task a complete, with evidence");
    const done = await agent.call("update_task", { task_id: "a", action: "complete", evidence: "x" });
    expect(done.data).toMatchObject({ ready: ["b"], next_step: "next_task gives you the next one." });
    const asking = await agent.call("get_task_status", { task_id: await taskWithQuestion(bench) });
    expect(asking.data).toMatchObject({ question: "Publish it?", next_step: expect.stringContaining("ask") });
  });

  test("to an agent that says its name asks it to go on saying it", async () => {
    const agent = await withPlan();
    const { data } = await agent.call("next_task", { agent: "me" });
    expect(data.next_step).toContain('with evidence and agent "me"');
    const done = { task_id: "a", action: "complete", evidence: "x" };
    expect((await agent.call("update_task", done)).text).toContain("is claimed by me");
    expect((await agent.call("update_task", { ...done, agent: "me" })).isError).toBe(false);
  });

  test("of a report is not what an agent has to ask its user for first", async () => {
    const { client } = await bench.connect();
    const { tools } = await client.listTools();
    const destructive = tools.filter(({ annotations }) => annotations?.destructiveHint === true);
    expect(destructive.map(({ name }) => name)).toEqual(["restore_checkpoint", "engine_interrupt"]);
  });
});

describe("the tasks extension", () => {
  test.each(ERAS)("is offered only where it is served (%s)", async (era) => {
    const { client } = await bench.connect({ era });
    const offered = client.getServerCapabilities()?.extensions?.["io.modelcontextprotocol/tasks"];
    expect(offered !== undefined).toBe(era === "2026-07-28");
  });
});

describe.each(ERAS)("an agent (%s)", (era) => {
  test("plans, takes, reports and completes, and the next task becomes ready", async () => {
    const agent = await withPlan({ era });
    const taken = await agent.call("next_task");
    expect(keyOf(taken.data)).toBe("a");
    const half = await agent.call("update_task", { task_id: "a", action: "progress", percent: 50, message: "half" });
    expect(half.data).toMatchObject({ success: true, task: { status: "in_progress", percent: 50 } });
    const done = await agent.call("update_task", {
      task_id: "a",
      action: "complete",
      evidence: "the test passes",
      result: { files: 3 },
    });
    expect(done.data).toMatchObject({ task: { status: "completed" }, ready: ["b"] });
    const status = await agent.call("get_task_status", { task_id: "a" });
    expect(status.data).toMatchObject({ status: "completed", result: { files: 3, evidence: "the test passes" } });
  });

  test("is told what blocks a task, and what to do instead", async () => {
    const agent = await withPlan({ era });
    const refused = await agent.call("update_task", { task_id: "b", action: "complete", evidence: "x" });
    expect(refused.isError).toBe(true);
    expect(refused.text).toBe("Task b is blocked by a\nComplete those first; next_task gives you one that is ready.");
  });

  test("cannot complete a task without evidence", async () => {
    const agent = await withPlan({ era });
    const refused = await agent.call("update_task", { task_id: "a", action: "complete" });
    expect(refused).toMatchObject({ isError: true, text: expect.stringContaining("needs evidence") });
    expect((await agent.call("get_task_status", { task_id: "a" })).data).toMatchObject({ status: "pending" });
  });

  test("cannot answer what a task asks the user; the user can", async () => {
    const asked: string[] = [];
    const agent = await bench.connect({
      era,
      answer: (message) => {
        asked.push(message);
        return { action: "accept", content: { approved: true } };
      },
    });
    const taskId = await taskWithQuestion(bench);
    const told = await agent.call("update_task", { task_id: taskId, action: "ask" });
    expect(asked).toEqual(["Publish it?"]);
    expect(told.text).toContain("The user said yes");
    expect((await agent.call("get_task_status", { task_id: taskId })).data).toMatchObject({ status: "pending" });
  });

  test("whose client cannot ask is told who can answer", async () => {
    const agent = await bench.connect({ era });
    const taskId = await taskWithQuestion(bench);
    const told = await agent.call("update_task", { task_id: taskId, action: "ask" });
    expect(told).toMatchObject({ isError: true, text: expect.stringContaining("Publish it?") });
  });

  test("reads a task and a session by their addresses, and is told of one that is not there", async () => {
    const { client } = await withPlan({ era });
    const read = await client.readResource({ uri: "perdure://tasks/a" });
    expect(read.contents[0]).toMatchObject({
      mimeType: "application/json",
      text: expect.stringContaining('"key": "a"'),
    });
    await expect(client.readResource({ uri: "perdure://tasks/nope" })).rejects.toMatchObject({ code: -32_602 });
    await expect(client.readResource({ uri: "perdure://tasks/%E0%A4%A" })).rejects.toMatchObject({ code: -32_602 });
  });

  test("gets the prompts, with what it says filled in", async () => {
    const { client } = await bench.connect({ era });
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(["continue", "plan"]);
    const { messages } = await client.getPrompt({ name: "plan", arguments: { goal: "Fly to the moon" } });
    expect(messages[0]?.content).toMatchObject({ text: expect.stringContaining("Fly to the moon") });
  });
});

describe("several agents", () => {
  test("get a different task each", async () => {
    const one = await withPlan({ name: "one" });
    const two = await bench.connect({ name: "two", era: "2026-07-28" });
    const three = await bench.connect({ name: "two" });
    const keys = [];
    for (const agent of [one, two, three]) keys.push(keyOf((await agent.call("next_task")).data));
    expect(keys).toEqual(["a", "c", "d"]);
    const fourth = await one.call("next_task");
    expect(fourth.data).toMatchObject({ task: null, reason: expect.stringContaining("3 in progress") });
  });

  test("cannot report on each other's tasks, even under the same name", async () => {
    const one = await withPlan({ name: "twin" });
    const two = await bench.connect({ name: "twin" });
    await one.call("next_task");
    const refused = await two.call("update_task", { task_id: "a", action: "complete", evidence: "mine" });
    expect(refused).toMatchObject({ isError: true, text: expect.stringContaining("Stop working on it") });
  });

  test("lose a claim they are silent about, at no cost of a retry, and are told so", async () => {
    const one = await withPlan({ name: "one" });
    const two = await bench.connect({ name: "two" });
    await one.call("next_task");
    bench.clock.advance(MANUAL_LEASE_MS - 1);
    expect(keyOf((await two.call("next_task")).data)).toBe("c");
    bench.clock.advance(1);
    expect(keyOf((await two.call("next_task")).data)).toBe("a");
    const late = await one.call("update_task", { task_id: "a", action: "progress", percent: 90 });
    expect(late).toMatchObject({ isError: true, text: expect.stringContaining("claimed by two") });
    const { runOperation } = await import("../operations/operation.ts");
    const { taskShow } = await import("../operations/task-show.ts");
    const task = await runOperation(taskShow, bench.project, { input: { task: "a" } });
    expect(task).toMatchObject({ status: "in_progress", retryCount: 0 });
  });

  test("keep a claim by reporting", async () => {
    const one = await withPlan({ name: "one" });
    const two = await bench.connect({ name: "two" });
    await one.call("next_task");
    for (let times = 1; times <= 3; times += 1) {
      bench.clock.advance(MANUAL_LEASE_MS - 1);
      await one.call("update_task", { task_id: "a", action: "progress", percent: times });
    }
    expect(keyOf((await two.call("next_task")).data)).toBe("c");
  });

  test("stand in the change log by name", async () => {
    await withPlan({ name: "claude-code" });
    const { runOperation } = await import("../operations/operation.ts");
    const { log } = await import("../operations/log.ts");
    const { items } = await runOperation(log, bench.project, { input: {} });
    expect(items.every(({ actor }) => /^claude-code-[0-9a-f]{8}$/.test(actor))).toBe(true);
  });
});

describe("get_brief", () => {
  test("tells where the work stands in the words of tools, and finds what vanished agents held ready again", async () => {
    const agent = await withPlan();
    await agent.call("next_task");
    await agent.call("update_task", { task_id: "c", action: "complete", evidence: "x" });
    await agent.call("update_task", { task_id: "d", action: "fail", message: "broken", final: true });
    const { data, text } = await agent.call("get_brief", { tokens: 2_000 });
    expect(data).toMatchObject({ done: ["c"], now: ["a"], next: [], counts: { failed: 1 } });
    expect(text).toContain("Continue: next_task");
    expect(text).toContain("update_task d retry");
    expect(text).not.toContain("`perdure ");
    bench.clock.advance(MANUAL_LEASE_MS);
    expect((await agent.call("get_brief")).data).toMatchObject({ now: [], next: ["a"] });
  });

  test("of a project in which nothing was begun says how to begin", async () => {
    const agent = await bench.connect();
    const { data, text } = await agent.call("get_brief");
    expect(data).toMatchObject({ session_id: null, done: [], now: [], next: [] });
    expect(text).toContain("Continue: submit_plan");
  });
});

describe("memory of an agent", () => {
  test("of facts outlives it, each with its source, and is not doubled", async () => {
    const agent = await withPlan({ name: "one" });
    const fact = { fact: "The parser reads UTF-8 only", kind: "constraint", source: "parser.ts" };
    expect((await agent.call("remember", fact)).data).toMatchObject({ outcome: "recorded" });
    expect((await agent.call("remember", fact)).data).toMatchObject({ outcome: "known" });
    const other = await bench.connect({ name: "two", era: "2026-07-28" });
    const { data } = await other.call("recall", { query: "which encoding does the parser read" });
    expect(data.facts).toMatchObject([{ fact: "The parser reads UTF-8 only", source: "parser.ts" }]);
  });

  test("keeps values of a session until they expire, and sums them up", async () => {
    const agent = await withPlan();
    await agent.call("store_working_memory", { key: "branch", value: { name: "main" }, ttl: "1h" });
    expect((await agent.call("retrieve_working_memory", { key: "branch" })).data).toMatchObject({
      value: { name: "main" },
    });
    expect((await agent.call("retrieve_working_memory")).text).toContain("branch");
    bench.clock.advance(3_600_000);
    const gone = await agent.call("retrieve_working_memory", { key: "branch" });
    expect(gone).toMatchObject({ isError: true, text: expect.stringContaining("has expired") });
  });

  test("returns to a checkpoint, and back", async () => {
    const agent = await withPlan();
    const made = await agent.call("create_checkpoint", { label: "begin" });
    expect(made.data).toMatchObject({ success: true, label: "begin" });
    await agent.call("update_task", { task_id: "a", action: "complete", evidence: "x" });
    const restored = await agent.call("restore_checkpoint", { checkpoint_id: "begin" });
    expect((await agent.call("get_task_status", { task_id: "a" })).data).toMatchObject({ status: "pending" });
    await agent.call("restore_checkpoint", { checkpoint_id: restored.data.undo_checkpoint_id });
    expect((await agent.call("get_task_status", { task_id: "a" })).data).toMatchObject({ status: "completed" });
  });
});

describe("submit_plan", () => {
  test("does not double a plan that was submitted before and is not done", async () => {
    const agent = await withPlan();
    const again = await agent.call("submit_plan", PLAN);
    expect(again.data).toMatchObject({ is_new: false, added: 0 });
  });

  test("records nothing of a plan in which something is wrong, and names the tasks", async () => {
    const agent = await bench.connect();
    const refused = await agent.call("submit_plan", {
      name: "Wrong",
      tasks: [
        { id: "a", needs: ["b"] },
        { id: "b", needs: ["a"] },
        { id: "x", prioriti: 3 },
      ],
    });
    expect(refused.isError).toBe(true);
    expect(refused.text).toContain('task x: unknown key "prioriti"');
    expect((await agent.call("list_all_tasks")).data).toMatchObject({ tasks: [] });
  });
});

describe("list_all_tasks", () => {
  test("gives pages that fit into their budget and miss and repeat nothing", async () => {
    const agent = await bench.connect();
    const tasks = Array.from({ length: 150 }, (_, n) => ({ id: `t${n}`, title: `Ελληνικά 日本語 ${n} `.repeat(8) }));
    await agent.call("submit_plan", { name: "Many", tasks });
    const { count } = await loadTokenCounter();
    const keys: unknown[] = [];
    let cursor: unknown = null;
    do {
      const { data } = await agent.call("list_all_tasks", { limit: 100, ...(cursor === null ? {} : { cursor }) });
      expect(count(JSON.stringify(data))).toBeLessThanOrEqual(ANSWER_LIMITS.pageTokens * 1.1);
      keys.push(...(data.tasks as { key: string }[]).map(({ key }) => key));
      cursor = data.next_cursor;
    } while (cursor !== null);
    expect(keys).toEqual(tasks.map(({ id }) => id));
  });
});

describe("get_task_status", () => {
  test("cuts a result that is too long for a model, and says so", async () => {
    const agent = await withPlan();
    await agent.call("next_task");
    const lines = Array.from({ length: 5_000 }, (_, n) => `line ${n}`);
    await agent.call("update_task", { task_id: "a", action: "complete", evidence: "x", result: { lines } });
    const { data, text } = await agent.call("get_task_status", { task_id: "a" });
    const { count } = await loadTokenCounter();
    expect(data.result_cut).toBe(true);
    expect(count(JSON.stringify(data))).toBeLessThan(ANSWER_LIMITS.valueTokens * 2);
    expect(text).toContain("perdure://tasks/");
  });

  test("waits until the task has ended", async () => {
    const agent = await withPlan();
    const waiting = agent.call("get_task_status", { task_id: "c", wait_seconds: 60 });
    const other = await bench.connect({ name: "other" });
    await other.call("update_task", { task_id: "c", action: "complete", evidence: "x" });
    expect((await waiting).data).toMatchObject({ status: "completed" });
  });
});

describe("create_background_task", () => {
  test.each([
    [{ task_type: "oneshot", schedule: "in 2h" }, "A oneshot task takes no schedule"],
    [{ task_type: "recurring" }, "A recurring task needs a schedule"],
    [{ task_type: "recurring", schedule: "in 2h" }, "does not run in one time only"],
    [{ schedule: { type: "daily" } }, "needs time"],
    [{ schedule: "sometimes" }, "is no schedule"],
    [{ executor: "nobody" }, "is not defined"],
    [{ depends_on: ["nope"] }, 'There is no task "nope"'],
  ])("refuses %j and records nothing", async (args, why) => {
    const agent = await bench.connect();
    const refused = await agent.call("create_background_task", { title: "X", ...args });
    expect(refused).toMatchObject({ isError: true, text: expect.stringContaining(why) });
    expect((await agent.call("list_all_tasks", { session: "*" })).data).toMatchObject({ tasks: [] });
  });

  test("takes a schedule as an object with its type", async () => {
    const agent = await bench.connect();
    const schedule = { type: "daily", time: "07:00", timezone: "Europe/Berlin" };
    const { data } = await agent.call("create_background_task", { title: "Digest", run: "./digest.sh", schedule });
    expect(data).toMatchObject({ success: true, status: "pending", run_at: "2026-01-21T06:00:00.000Z" });
  });
});

describe("a task that is given back", () => {
  test("is ready for the next agent", async () => {
    const agent = await withPlan();
    await agent.call("next_task");
    const released = await agent.call("update_task", { task_id: "a", action: "release" });
    expect(released.data).toMatchObject({ task: { status: "pending" } });
    expect((await agent.call("update_task", { task_id: "a", action: "release" })).isError).toBe(true);
    expect(keyOf((await agent.call("next_task")).data)).toBe("a");
  });
});

describe("an interrupt", () => {
  test("is told to the agent that works on it with its next report, and resumed", async () => {
    const agent = await withPlan();
    await agent.call("next_task");
    expect((await agent.call("engine_interrupt")).data).toMatchObject({ state: "paused", success: true });
    const told = await agent.call("update_task", { task_id: "a", action: "progress", percent: 20 });
    expect(told.data).toMatchObject({ stop: true });
    await agent.call("update_task", { task_id: "a", action: "release" });
    expect((await agent.call("next_task")).data).toMatchObject({ task: null });
    expect((await agent.call("engine_resume")).data).toMatchObject({ state: "active", continued: 1 });
    expect(keyOf((await agent.call("next_task")).data)).toBe("a");
  });
});
