/** Work that outlives a call: handles of the tasks extension, and tasks that the server works itself. */

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { isCreateTaskResultV2, isDetailedTaskV2 } from "@modelcontextprotocol/ext-tasks/core/v2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { McpProcesses } from "./mcp/mcp-processes.ts";
import { createMcpProcesses } from "./mcp/mcp-processes.ts";
import type { RawAnswer } from "../src/mcp/testing/raw-client.ts";
import { rawRequest, TASKS } from "../src/mcp/testing/raw-client.ts";

let servers: McpProcesses;

beforeEach(() => {
  servers = createMcpProcesses();
});

afterEach(() => {
  servers.end();
});

const ask = (url: string, method: string, params: Record<string, unknown>, capabilities: object = TASKS) =>
  rawRequest({ fetch: (request) => fetch(request), url, capabilities: { ...capabilities } }, method, params);

const create = (url: string, args: Record<string, unknown>) =>
  ask(url, "tools/call", { name: "create_background_task", arguments: { wait: true, ...args } });

async function untilEnded(url: string, taskId: unknown): Promise<RawAnswer> {
  for (;;) {
    const answer = await ask(url, "tasks/get", { taskId });
    if (answer.error !== undefined || answer.result?.status !== "working") return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a task handle", () => {
  test("is durable when it is given out: another server answers for it and does the work", async () => {
    const first = await servers.listen();
    const { result } = await create(first.url, { title: "Say hi", run: "echo hi" });
    await first.kill();
    expect(result).toMatchObject({ resultType: "task", status: "working" });
    expect(isCreateTaskResultV2(result), JSON.stringify(result)).toBe(true);
    expect(result).not.toHaveProperty("content");

    const second = await servers.listen("--work");
    const ended = await untilEnded(second.url, result?.taskId);
    expect(isDetailedTaskV2(ended.result), JSON.stringify(ended)).toBe(true);
    expect(ended.result).toMatchObject({
      resultType: "complete",
      status: "completed",
      result: { structuredContent: { success: true, status: "completed" } },
    });
  });

  test("can be cancelled", async () => {
    const { url } = await servers.listen("--work");
    const { result } = await create(url, { title: "Long", executor: "command", input: { run: "sleep 60" } });
    expect((await ask(url, "tasks/cancel", { taskId: result?.taskId })).result).toMatchObject({
      resultType: "complete",
    });
    expect((await untilEnded(url, result?.taskId)).result).toMatchObject({ status: "cancelled" });
    // Once more does no harm.
    expect((await ask(url, "tasks/cancel", { taskId: result?.taskId })).error).toBeUndefined();
  });

  test("is for clients that declare the extension, and for tasks that are there", async () => {
    const { url } = await servers.listen();
    const { result } = await create(url, { title: "Wait" });
    const undeclared = await ask(url, "tasks/get", { taskId: result?.taskId }, {});
    expect(undeclared.error).toMatchObject({
      code: -32_021,
      data: { requiredCapabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } } },
    });
    for (const method of ["tasks/get", "tasks/cancel", "tasks/update"]) {
      const params = { taskId: "nope", ...(method === "tasks/update" ? { inputResponses: {} } : {}) };
      expect((await ask(url, method, params)).error, method).toMatchObject({ code: -32_602 });
    }
  });

  test("is offered by the server to clients of the later era", async () => {
    const { url } = await servers.listen();
    const { result } = await ask(url, "server/discover", {});
    expect(result).toMatchObject({ capabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } } });
  });
});

describe("perdure mcp --work", () => {
  test("works commands and schedules, tells progress, and keeps stdout for the protocol", async () => {
    const { command, args } = servers.command;
    const client = new Client({ name: "tester", version: "0" });
    const transport = new StdioClientTransport({ command, args: [...args, "--work"], stderr: "ignore" });
    const broken: unknown[] = [];
    Object.assign(transport, { onerror: (error: unknown) => broken.push(error) });
    await client.connect(transport);
    const call = async (name: string, given: Record<string, unknown>, onprogress?: () => void) =>
      await client.callTool({ name, arguments: given }, onprogress === undefined ? {} : { onprogress });

    let reports = 0;
    const run = 'for p in 25 50 75; do echo "$p at $p" > "$PERDURE_PROGRESS"; sleep 0.3; done; echo done';
    const worked = await call("create_background_task", { title: "Steps", run, wait: true }, () => (reports += 1));
    expect(worked.structuredContent).toMatchObject({ status: "completed", outcome: { progress: { percent: 100 } } });
    expect(reports).toBeGreaterThan(0);

    const soon = await call("create_background_task", { title: "Soon", run: "echo soon", schedule: "in 1s" });
    expect(soon.structuredContent).toMatchObject({ status: "pending" });
    const taskId = (soon.structuredContent as { task_id: string }).task_id;
    const fired = await call("get_task_status", { task_id: taskId, wait_seconds: 20 });
    expect(fired.structuredContent).toMatchObject({ status: "completed" });
    expect(broken).toEqual([]);
    await client.close();
  });
});
