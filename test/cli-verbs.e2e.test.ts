/** Every verb, once, on a real project. */

import { beforeEach, describe, expect, test } from "vitest";

import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();
const { ok } = project;

describe("a project", () => {
  test("init › makes it where it is told to, and leaves what is there", async () => {
    expect(await ok("init")).toContain("created  .perdure/, perdure.yaml");
    expect(await ok("init")).toContain("kept     .perdure/, perdure.yaml");
    expect(await ok("config", "check")).toBe("perdure.yaml is right.\n");
    expect(await ok("doctor")).toContain("Nothing is wrong.");
    expect(await ok("init", "--agents")).toContain("created   .mcp.json");
    expect(await ok("doctor")).toContain("Nothing is wrong.");
  });

  test("completion › prints scripts", async () => {
    for (const shell of ["bash", "zsh", "fish"]) expect(await ok("completion", shell)).toContain("perdure");
    expect((await project.run("completion", "tcsh")).stderr).toContain("SHELL is one of bash, zsh, fish");
  });
});

describe("tasks by hand", () => {
  test("add, list, next, start, progress, done", async () => {
    expect(await ok("task", "add", "Write docs", "--key", "docs", "--priority", "8")).toMatch(
      /^Added docs {2}Write docs {2}pending\n$/,
    );
    await ok("task", "add", "Ship it", "--key", "ship", "--needs", "docs");
    expect(await ok("task", "list", "--status", "blocked")).toMatch(/^ship {2}blocked {2}0% {2}5 {2}Ship it\n$/);
    expect(await ok("task", "next", "--claim", "--as", "ann")).toContain("docs  Write docs  in_progress");
    expect((await project.run("task", "done", "docs", "--as", "bob")).code).toBe(4);
    expect(await ok("task", "progress", "docs", "--percent", "40", "-m", "half", "--as", "ann")).toContain("40%");
    expect(await ok("task", "done", "docs", "--evidence", "see docs/", "--as", "ann")).toContain(
      "docs  Write docs  completed",
    );
    expect(await ok("task", "start", "ship")).toContain("in_progress");
    expect(await ok("task", "fail", "ship", "no harbour", "--final")).toContain("failed");
    expect(await ok("task", "show", "ship")).toContain("perdure task retry ship");
    expect(await ok("task", "retry", "ship")).toContain("pending");
    expect(await ok("task", "block", "ship", "wait for spring")).toContain("blocked");
    expect(await ok("task", "edit", "ship", "--title", "Ship it soon", "--priority", "2")).toContain("Ship it soon");
    expect(await ok("task", "cancel", "ship", "not this year")).toContain("cancelled");
    expect(await ok("log", "--task", "ship")).toContain("not this year");
    expect((await project.json("task", "next")) as object).toMatchObject({ task: null });
  });

  test("refuses JSON that is none", async () => {
    const { code, stderr } = await project.run("task", "add", "x", "--input", "{nope");
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: --input is not JSON: .*\nhint: Write such as/)]);
  });
});

describe("tasks that ask", () => {
  beforeEach(() => {
    project.write("perdure.yaml", "executors: [./work.mjs]\n");
    project.write(
      "work.mjs",
      `export default (perdure) => {
        perdure.define("ask", {}, async (run) => (await run.approval("Publish it?")).approved);
        perdure.define("listen", {}, async (run) => await run.waitFor("deployed"));
        perdure.define("upload", {}, async (run) => await run.step("send", () => process.kill(process.pid, "SIGKILL"), { effect: "once" }));
      };`,
    );
  });

  test("approve, reject and signal let them go on", async () => {
    project.write(
      "plan.yaml",
      "tasks:\n  - { id: one, executor: ask }\n  - { id: two, executor: ask }\n  - { id: three, executor: listen }\n",
    );
    const { code, stdout } = await project.run("run", "plan.yaml");
    expect(code).toBe(1);
    expect(stdout).toContain("blocked  one: waiting: Publish it?\n           go on with `perdure task show one`");
    expect(await ok("task", "show", "one")).toContain("perdure task approve one\n  perdure task reject one");
    expect(await ok("task", "show", "three")).toContain("perdure task signal three deployed");
    await ok("task", "approve", "one", "--comment", "fine");
    await ok("task", "reject", "two");
    await ok("task", "signal", "three", "deployed", "--payload", '{"to":"prod"}');
    await ok("run", "plan.yaml");
    expect(await project.json("task", "show", "one")).toMatchObject({ status: "completed", result: true });
    expect(await project.json("task", "show", "two")).toMatchObject({ status: "completed", result: false });
    expect(await project.json("task", "show", "three")).toMatchObject({ result: { to: "prod" } });
  });

  test("resolve settles an unknown outcome", async () => {
    project.write("plan.yaml", "tasks:\n  - { id: send, executor: upload }\n");
    expect((await project.run("run", "plan.yaml")).code).toBe(null);
    const again = await project.run("run", "plan.yaml");
    expect(again.code).toBe(1);
    expect(again.stdout).toContain("perdure task resolve send --done|--retry|--skip");
    expect((await project.run("task", "resolve", "send")).code).toBe(2);
    expect((await project.run("task", "resolve", "send", "--done", "--skip")).code).toBe(2);
    await ok("task", "resolve", "send", "--done", "--result", '"sent"');
    await ok("run", "plan.yaml");
    expect(await project.json("task", "show", "send")).toMatchObject({ status: "completed", result: "sent" });
  });
});

describe("plans and sessions", () => {
  const PLAN = "name: Good\ntasks:\n  - { id: a, run: echo one }\n  - { id: b, run: echo two, needs: [a] }\n";

  test("plan › shows, draws and submits", async () => {
    project.write("plan.yaml", PLAN);
    expect(await ok("plan", "plan.yaml", "--dry-run")).toMatch(/^Good: 2 tasks to do in 2 waves\nwave {2}task/);
    expect(await ok("plan", "plan.yaml", "--dry-run", "--graph")).toBe("a\n└─ b\n");
    expect(await ok("plan", "plan.yaml", "--dry-run", "--graph=mermaid")).toContain("graph TD");
    expect(project.has(".perdure")).toBe(false);
    expect(await ok("plan", "plan.yaml")).toMatch(/Submitted as session [0-9a-f]{8}\. Work it with/);
    expect(await ok("session", "list")).toMatch(/^[0-9a-f]{8} {2}active +0\/2 +0 .* {2}Good\n$/);
  });

  test("session › show, pause, resume, cancel", async () => {
    project.write("plan.yaml", PLAN);
    await ok("plan", "plan.yaml");
    expect(await ok("session", "show")).toMatch(/^ {2}plan +plan\.yaml$/m);
    expect(await ok("session", "pause")).toContain("paused");
    expect((await project.json("task", "next", "--any")) as object).toMatchObject({ task: null });
    expect(await ok("session", "resume")).toContain("active");
    expect(await ok("session", "cancel", "Good")).toContain("2 tasks cancelled");
  });

  test("execution › list and show", async () => {
    project.write("plan.yaml", PLAN);
    await ok("run", "plan.yaml", "--quiet");
    const listed = await ok("execution", "list", "--task", "a");
    const id = listed.slice(0, 8);
    expect(listed).toMatch(/^[0-9a-f]{8} {2}completed {2}1 /);
    expect(await ok("execution", "show", id)).toMatch(/^a {2}completed\n {2}id/);
  });

  test("import and export › carry a plan over, twice without a change", async () => {
    project.write("tasks.md", "# Phase\n\n- [x] 1.1 Dig\n- [ ] 1.2 Plant\n");
    expect(await ok("import", "tasks.md")).toMatch(/^New session .*added/);
    expect(await ok("import", "tasks.md")).toContain("nothing to change");
    const { items } = (await project.json("task", "list")) as {
      readonly items: readonly { readonly key: string; readonly status: string }[];
    };
    expect(items.filter(({ status }) => status === "completed").map(({ key }) => key)).toContain("1.1");
    await ok("task", "done", "1.2");
    expect(project.read("tasks.md")).toContain("- [x] 1.2 Plant");
    expect(await ok("import", "tasks.md", "--check")).toContain("File and session agree.");
    const exported = await project.run("export", "--format", "markdown");
    expect(exported).toMatchObject({ code: 0, stdout: expect.stringContaining("- [x]") });
    expect(exported.stderr).toContain('notice: "1.1" loses completedAt');
    expect(JSON.parse(await ok("export", "--format", "json"))).toHaveProperty("tasks");
  });
});
