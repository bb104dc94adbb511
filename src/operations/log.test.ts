import { describe, expect, test } from "vitest";

import { log } from "./log.ts";
import { runOperation } from "./operation.ts";
import { taskAdd } from "./task-add.ts";
import { aProject } from "./testing/project.ts";

describe("log", () => {
  test("shows what was done in a stretch of time, said as instants or as how long ago", async () => {
    const project = aProject();
    await runOperation(taskAdd, project, { input: { title: "first", executor: "manual" } });
    project.clock.advance(3 * 3_600_000);
    await runOperation(taskAdd, project, { input: { title: "second", executor: "manual" } });
    const titles = async (input: object): Promise<readonly unknown[]> => {
      const { items } = await runOperation(log, project, { input: { kind: "tasks", ...input } });
      return items.map(({ taskTitle }) => taskTitle);
    };
    expect(await titles({})).toEqual(["first", "second"]);
    expect(await titles({ since: "2h" })).toEqual(["second"]);
    expect(await titles({ until: "2h" })).toEqual(["first"]);
    expect(await titles({ since: "2026-01-20T12:59:00Z" })).toEqual(["second"]);
    expect(await titles({ actor: "nobody" })).toEqual([]);
  });

  test("finds a thing by its name in the singular as well", async () => {
    const project = aProject();
    await runOperation(taskAdd, project, { input: { title: "first", executor: "manual" } });
    const one = await runOperation(log, project, { input: { kind: "task" } });
    expect(one.items).toHaveLength(1);
    expect(one).toEqual(await runOperation(log, project, { input: { kind: "tasks" } }));
  });

  test("refuses a time that is none", async () => {
    const asked = runOperation(log, aProject(), { input: { since: "yesterday" } });
    await expect(asked).rejects.toMatchObject({ code: "invalid-input" });
  });
});
