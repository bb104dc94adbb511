/** An agent in a directory where nothing was ever recorded. */

import { readdirSync } from "node:fs";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { NO_PROJECT } from "./before-project.ts";
import type { McpBench } from "./testing/mcp-bench.ts";
import { createMcpBench, ERAS } from "./testing/mcp-bench.ts";

let bench: McpBench;

beforeEach(async () => {
  bench = await createMcpBench({ isBegun: false });
});

afterEach(async () => {
  expect(bench.errors).toEqual([]);
  await bench.close();
});

const files = (): readonly string[] => readdirSync(bench.project.projectDir);

const ANSWERED: Readonly<Record<string, object>> = {
  get_brief: {},
  next_task: {},
  list_all_tasks: {},
  recall: { query: "tests" },
  retrieve_working_memory: {},
};

const REFUSED: Readonly<Record<string, object>> = {
  get_task_status: { task_id: "a" },
  update_task: { task_id: "a", action: "progress", percent: 50 },
  create_checkpoint: {},
  restore_checkpoint: { checkpoint_id: "a" },
  engine_interrupt: {},
  engine_resume: {},
};

const BEGINNING: Readonly<Record<string, object>> = {
  submit_plan: { name: "Plan", tasks: [{ id: "a" }] },
  create_background_task: { title: "a" },
  remember: { fact: "Tests run in two processes.", kind: "finding" },
  store_working_memory: { key: "a", value: 1 },
};

describe("where no project has been begun", () => {
  test.each(ERAS)("reading says so, and leaves the directory as it is (%s)", async (era) => {
    const { client, call } = await bench.connect({ era });
    const { tools } = await client.listTools();
    const known = [ANSWERED, REFUSED, BEGINNING].flatMap((kind) => Object.keys(kind));
    expect(known.toSorted()).toEqual(tools.map(({ name }) => name).toSorted());
    for (const [tool, args] of Object.entries(ANSWERED))
      expect([tool, await call(tool, { ...args })]).toMatchObject([tool, { isError: false, text: NO_PROJECT }]);
    for (const [tool, args] of Object.entries(REFUSED))
      expect([tool, await call(tool, { ...args })]).toMatchObject([
        tool,
        { isError: true, text: NO_PROJECT.replace(". ", "\n") },
      ]);
    await client.listResources();
    const { contents } = await client.readResource({ uri: "perdure://brief" });
    expect(contents).toMatchObject([{ text: NO_PROJECT }]);
    await expect(client.readResource({ uri: "perdure://tasks/a" })).rejects.toThrow();
    expect(files()).toEqual([]);
  });

  test("what is refused leaves the directory as it is too", async () => {
    const agent = await bench.connect();
    const cycle = { name: "Plan", tasks: [{ id: "a", needs: ["a"] }] };
    for (const [tool, args] of [
      ["submit_plan", cycle],
      ["get_brief", { tokens: 1 }],
      ["remember", {}],
    ] as const)
      expect((await agent.call(tool, args)).isError).toBe(true);
    expect(files()).toEqual([]);
  });

  test.each(Object.entries(BEGINNING))("%s begins one", async (tool, args) => {
    const agent = await bench.connect();
    expect(await agent.call(tool, { ...args })).toMatchObject({ isError: false });
    expect(files()).toContain(".perdure");
    expect((await agent.call("get_brief")).text).not.toContain("No project");
  });

  test("one that another process begins is seen", async () => {
    const agent = await bench.connect();
    expect((await agent.call("get_brief")).text).toBe(NO_PROJECT);
    const { openProject } = await import("../app/open-project.ts");
    const directory = bench.project.projectDir;
    const other = await openProject({ directory, isExact: true, store: null, durability: null, actor: "other" });
    await other.close();
    expect((await agent.call("get_brief")).text).toContain("submit_plan");
  });
});
