/** What an agent is told of a task that waits for others. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { runOperation } from "../operations/operation.ts";
import { planSubmit } from "../operations/plan-submit.ts";
import { taskAdd } from "../operations/task-add.ts";
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

describe("a task that is held back by its parts alone", () => {
  const complete = { action: "complete", evidence: "x" };

  test("names those that are open when it is to be completed", async () => {
    const bench = await createMcpBench();
    try {
      const path = join(bench.project.projectDir, "tasks.md");
      writeFileSync(path, "## Build\n- [x] a\n- [ ] b\n- [ ] c\n");
      await runOperation(planSubmit, bench.project, { input: { path } });
      const agent = await bench.connect();
      const refused = await agent.call("update_task", { task_id: "build", ...complete });
      expect(refused).toMatchObject({
        isError: true,
        text: "Task build is blocked by b, c\nComplete those first, and it completes with the last of them; next_task gives you one that is ready.",
      });
    } finally {
      await bench.close();
    }
  });

  test("names those without a key by their ids, and counts what is too much to name", async () => {
    const bench = await createMcpBench();
    try {
      const agent = await bench.connect();
      const parent = await runOperation(taskAdd, bench.project, { input: { title: "Parent", executor: "group" } });
      const parts: string[] = [];
      for (let at = 0; at < 12; at++) {
        const { id } = await runOperation(taskAdd, bench.project, { input: { title: `${at}`, parent: parent.id } });
        parts.push(id.slice(0, 8));
      }
      const refused = await agent.call("update_task", { task_id: parent.id, ...complete });
      expect(refused.text).toContain(`is blocked by ${parts.slice(0, 10).join(", ")} and 2 more\n`);
    } finally {
      await bench.close();
    }
  });
});
