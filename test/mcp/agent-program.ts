/**
 * A scripted agent: begins with the brief, submits the plan if there is none, then takes, works, reports and remembers
 * until nothing is left. Knows nothing but what Perdure tells it, and may be killed at any moment.
 */

import { appendFileSync } from "node:fs";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import type { Noted } from "./agent-plan.ts";
import { AGENT_PLAN } from "./agent-plan.ts";

const [, , name = "agent", notesFile = "", workMs = "100", command = "", ...args] = process.argv;

const note = (noted: Noted): void => appendFileSync(notesFile, `${JSON.stringify(noted)}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const client = new Client({ name, version: "0" }, { versionNegotiation: { mode: "auto" } });
const transport = new StdioClientTransport({ command, args, stderr: "ignore" });
await client.connect(transport);
// A server that was killed: an agent's host would start it again, which is what the next agent is for.
Object.assign(client, { onclose: () => process.exit(3) });
console.log(`server ${transport.pid}`);

async function call(tool: string, given: Readonly<Record<string, unknown>> = {}): Promise<Record<string, unknown>> {
  const { isError, content, structuredContent } = await client.callTool({ name: tool, arguments: { ...given } });
  if (isError === true) throw new Error(JSON.stringify(content));
  return (structuredContent ?? {}) as Record<string, unknown>;
}

interface Brief {
  readonly session_id: string | null;
  readonly done: string[];
  readonly now: string[];
  readonly next: string[];
}

note({ what: "asks", agent: name });
const { session_id, done, now, next } = (await call("get_brief", { tokens: 2_000 })) as unknown as Brief;
if (session_id === null) await call("submit_plan", { name: "Twenty parts", tasks: AGENT_PLAN });
else note({ what: "brief", agent: name, done, now, next });

for (;;) {
  const { task: taken, reason } = await call("next_task");
  if (taken === null) {
    if (String(reason).startsWith("all done")) break;
    await pause(20);
    continue;
  }
  const task = String((taken as { key: string }).key);
  note({ what: "took", agent: name, task });
  await call("update_task", { task_id: task, action: "progress", percent: 50, message: "half of it" });
  await pause(Number(workMs));
  await call("remember", { fact: `Part ${task} came to ${task.length}`, kind: "finding", source: `task ${task}` });
  note({ what: "reporting", agent: name, task });
  await call("update_task", { task_id: task, action: "complete", evidence: `made ${task}`, result: { made: task } });
  note({ what: "acknowledged", agent: name, task });
}
note({ what: "finished", agent: name });
Object.assign(client, { onclose: () => process.exit(0) });
await client.close();
