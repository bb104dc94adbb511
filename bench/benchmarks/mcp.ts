/** How long a call of a tool takes over stdio, from the client's asking to its having the answer, in a project of some size. */

import { resolve } from "node:path";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { syncAfterPauseMs } from "../harness/machine.ts";
import type { Benchmark } from "../harness/report.ts";
import { check, number } from "../harness/report.ts";
import { withScratch } from "../harness/scratch.ts";
import { percentile } from "../harness/statistics.ts";

const BIN = resolve(import.meta.dirname, "../../bin/perdure.js");
/** Tasks of the session; each sample completes one of them. */
const TASKS = 500;
const FACTS = 100;

interface Measured {
  readonly tool: string;
  readonly kind: "read" | "write";
  readonly times: number[];
}

export const mcp: Benchmark = {
  name: "mcp",
  title: `A call of a tool over stdio, in a project with ${TASKS} tasks and ${FACTS} facts, ms`,
  async run({ isQuick }) {
    const samples = isQuick ? 50 : 200;
    const found = await withScratch((directory) => measure(directory, samples));
    const syncMs = await syncAfterPauseMs({ samples: 50, pauseMs: 5 });
    const worst = (kind: Measured["kind"]): number =>
      Math.max(...found.filter((each) => each.kind === kind).map(({ times }) => percentile(times, 50)));
    return {
      columns: ["tool", "", "p50", "p99", "calls"],
      rows: found.map(({ tool, kind, times }) => [
        tool,
        kind,
        number(percentile(times, 50)),
        number(percentile(times, 99)),
        String(times.length),
      ]),
      notes: [
        "The server is a process of its own at full durability; every write is answered once it is durable.",
        `Meanwhile an fsync alone took the disk ${number(percentile(syncMs, 50))} ms (p50).`,
      ],
      checks: [
        check("slowest read, p50", { actual: worst("read"), atMost: 5, unit: "ms" }),
        check("slowest write, p50", { actual: worst("write"), atMost: 10, unit: "ms" }),
      ],
    };
  },
};

async function measure(directory: string, samples: number): Promise<readonly Measured[]> {
  const client = new Client({ name: "bench", version: "0" });
  const args = [BIN, "mcp", "--project", directory];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: "inherit" }));
  const found = new Map<string, Measured>();
  const call = async (
    kind: Measured["kind"],
    tool: string,
    given: Readonly<Record<string, unknown>>,
    row = tool,
  ): Promise<Record<string, unknown>> => {
    const startedAt = performance.now();
    const { isError, content, structuredContent } = await client.callTool({ name: tool, arguments: { ...given } });
    const elapsedMs = performance.now() - startedAt;
    if (isError === true) throw new Error(`${tool}: ${JSON.stringify(content)}`);
    const measured = found.get(row) ?? { tool: row, kind, times: [] };
    measured.times.push(elapsedMs);
    found.set(row, measured);
    return (structuredContent ?? {}) as Record<string, unknown>;
  };

  const tasks = Array.from({ length: TASKS }, (_, at) => ({
    id: `t${at}`,
    title: `Part ${at} of what there is to do`,
    needs: at < 20 ? [] : [`t${at - 20}`],
  }));
  await call("write", "submit_plan", { name: "Bench", tasks });
  for (let at = 0; at < FACTS; at += 1) {
    await call("write", "remember", { fact: `Module ${at} is tested by file ${at * 7}`, kind: "finding" });
  }
  found.clear();

  for (let sample = -5; sample < samples; sample += 1) {
    const { task } = await call("write", "next_task", {});
    const { key } = task as { key: string };
    await call("write", "update_task", { task_id: key, action: "progress", percent: 50 }, "update_task progress");
    await call("write", "store_working_memory", { key: "at", value: { key, sample } });
    await call("write", "remember", { fact: `Sample ${sample} found ${key}`, kind: "finding" });
    await call("read", "get_task_status", { task_id: key });
    await call("read", "list_all_tasks", {});
    await call("read", "get_brief", { tokens: 1_000 });
    await call("read", "recall", { query: `which file tests module ${sample + 5}` });
    await call("read", "retrieve_working_memory", { key: "at" });
    await call("write", "create_background_task", { title: `Found by ${key}`, depends_on: [key] });
    await call(
      "write",
      "update_task",
      { task_id: key, action: "complete", evidence: "measured", result: { sample } },
      "update_task complete",
    );
    // The first few warm up.
    if (sample === -1) found.clear();
  }
  await client.close();
  return [...found.values()].toSorted((a, b) => a.kind.localeCompare(b.kind) || a.tool.localeCompare(b.tool));
}
