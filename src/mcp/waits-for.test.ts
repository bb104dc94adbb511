/** What an agent is told of a task that waits for others. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { runOperation } from "../operations/operation.ts";
import { planSubmit } from "../operations/plan-submit.ts";
import { createMcpBench } from "./testing/mcp-bench.ts";

test("one that only comes after another, as what it needs was done before its turn, names that", async () => {
  const bench = await createMcpBench();
  try {
    const path = join(bench.project.projectDir, "tasks.md");
    writeFileSync(path, "- [x] a\n- [ ] b\n- [x] c\n- [ ] d\n");
    await runOperation(planSubmit, bench.project, { input: { path } });
    const agent = await bench.connect();
    const { data } = await agent.call("get_task_status", { task_id: "d" });
    expect(data).toMatchObject({ status: "blocked", blocked: "dependencies", waits_for: ["b"] });
    const refused = await agent.call("update_task", { task_id: "d", action: "complete", evidence: "x" });
    expect(refused.text).toMatch(/^Task d is blocked by b\n/);
  } finally {
    await bench.close();
  }
});
