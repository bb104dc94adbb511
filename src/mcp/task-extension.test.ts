/** A question of a task, put to the client's user through the tasks extension. */

import { isDetailedTaskV2 } from "@modelcontextprotocol/ext-tasks/core/v2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { McpBench } from "./testing/mcp-bench.ts";
import { createMcpBench, taskWithQuestion } from "./testing/mcp-bench.ts";
import type { RawAnswer } from "./testing/raw-client.ts";
import { rawRequest, TASKS } from "./testing/raw-client.ts";

let bench: McpBench;

beforeEach(async () => {
  bench = await createMcpBench();
});

afterEach(async () => {
  await bench.close();
});

const ask = async (method: string, params: Record<string, unknown>): Promise<RawAnswer> =>
  await rawRequest({ fetch: bench.handler.fetch, url: "http://localhost/mcp", capabilities: TASKS }, method, params);

describe("a task that asks something", () => {
  test("requires input, whose key is the same until it is answered, and goes on with the answer", async () => {
    const taskId = await taskWithQuestion(bench);
    const first = await ask("tasks/get", { taskId });
    expect(isDetailedTaskV2(first.result), JSON.stringify(first)).toBe(true);
    expect(first.result).toMatchObject({ status: "input_required", statusMessage: "waiting: Publish it?" });
    const requests = first.result?.inputRequests as Record<string, { method: string; params: { message: string } }>;
    const [key = ""] = Object.keys(requests);
    expect(requests[key]).toMatchObject({ method: "elicitation/create", params: { message: "Publish it?" } });
    expect((await ask("tasks/get", { taskId })).result?.inputRequests).toEqual(requests);

    const ignored = await ask("tasks/update", { taskId, inputResponses: { another: { action: "accept" } } });
    expect(ignored.result).toMatchObject({ resultType: "complete" });
    expect((await ask("tasks/get", { taskId })).result).toMatchObject({ status: "input_required" });

    const inputResponses = { [key]: { action: "accept", content: { approved: true, comment: "go" } } };
    expect((await ask("tasks/update", { taskId, inputResponses })).result).toMatchObject({ resultType: "complete" });
    expect((await ask("tasks/get", { taskId })).result).toMatchObject({ status: "working" });
    expect(bench.errors).toEqual([]);
  });

  test("takes a refusal for a no", async () => {
    const taskId = await taskWithQuestion(bench);
    const { result } = await ask("tasks/get", { taskId });
    const [key = ""] = Object.keys(result?.inputRequests as object);
    await ask("tasks/update", { taskId, inputResponses: { [key]: { action: "decline" } } });
    expect((await ask("tasks/get", { taskId })).result).toMatchObject({ status: "working" });
  });
});
