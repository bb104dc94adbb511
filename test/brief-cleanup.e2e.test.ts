/** `brief` and `cleanup` as they are typed, beside processes that are killed. */

import { describe, expect, test } from "vitest";

import { readBrief } from "../src/operations/testing/read-brief.ts";
import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();

const PLAN = `name: Long
goal: Get there
tasks:
  - { id: first, run: "true" }
  - { id: slow, run: "echo begun; sleep 60", needs: [first] }
  - { id: last, run: "true", needs: [slow] }
`;

describe("brief", () => {
  test("after kill -9 › says what is done, that the running task was stopped, and the command that goes on", async () => {
    project.write("plan.yaml", PLAN);
    const running = project.start(["run", "plan.yaml"]);
    await running.says("started     slow");
    running.process.kill("SIGKILL");
    await running.finished;

    const { code, stdout } = await project.run("brief");
    const again = await project.run("brief");

    expect(code).toBe(0);
    expect(again.stdout).toBe(stdout);
    const { lists, commands, session } = readBrief(stdout.trimEnd());
    expect(lists.get("Done")).toMatchObject({ count: 1, total: 3, items: [{ name: "first" }] });
    expect(lists.get("Now")?.items.map(({ name }) => name)).toEqual(["slow"]);
    expect(lists.get("Blocked")?.items).toEqual([{ name: "last", step: null, remark: "dependencies" }]);
    expect(stdout).toContain("STOPPED");
    expect(commands).toEqual([`perdure resume ${session?.shortId}`]);
  });

  test("of a budget too small › ends with 5 and says from where on it works", async () => {
    project.write("plan.yaml", PLAN.replace("sleep 60", "true"));
    await project.run("run", "plan.yaml");

    const { code, stderr } = await project.run("brief", "--tokens", "20");
    const small = (await project.json("brief", "--tokens", "100")) as { readonly tokenCount: number };

    expect(code).toBe(5);
    expect(stderr).toMatch(/100 to .* tokens; 20 were asked for\nhint: /);
    expect(small.tokenCount).toBeLessThanOrEqual(100);
  });
});

describe("cleanup", () => {
  test("says what it would remove, removes it, and leaves work and brief as they were", async () => {
    project.write("plan.yaml", PLAN.replace("sleep 60", "true"));
    await project.run("run", "plan.yaml");
    const before = (await project.run("brief")).stdout;
    project.write(".perdure/artifacts/note.txt", "not named by its content");

    const planned = await project.run("cleanup", "--dry-run");
    const done = await project.run("cleanup");
    const data = (await project.json("cleanup")) as { readonly removed: Readonly<Record<string, { count: number }>> };

    expect([planned.code, done.code]).toEqual([0, 0]);
    expect(planned.stdout).toBe("Nothing would be removed.\n");
    expect(Object.values(data.removed).every(({ count }) => count === 0)).toBe(true);
    expect(project.has(".perdure/artifacts/note.txt")).toBe(true);
    expect((await project.run("brief")).stdout).toBe(before);
  });
});
