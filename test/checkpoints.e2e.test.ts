/** Checkpoints across processes: killed ones, and ones that work while somebody returns to a checkpoint. */

import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";

import type { CliProject } from "./cli/cli-project.ts";
import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();

/** `wait` goes on only where there is a file `go`, and says which process it is. */
const PLAN = [
  "name: Slow",
  "tasks:",
  '  - { id: first, run: "echo first >> effects", effect: once }',
  '  - { id: wait, needs: [first], run: "echo $$ > pid; if [ -e go ]; then echo wait >> effects; else exec sleep 60; fi" }',
  '  - { id: last, needs: [wait], run: "echo last >> effects" }',
  "",
].join("\n");

interface Status {
  readonly session: { readonly id: string; readonly status: string };
  readonly counts: Readonly<Record<string, number>>;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<boolean> {
  for (let look = 0; look < 100 && isAlive(pid); look += 1) await pause(50);
  return !isAlive(pid);
}

async function startAndReach(task: string): Promise<ReturnType<CliProject["start"]>> {
  const running = project.start(["run", "plan.yaml"]);
  await running.says(`started     ${task}`);
  while (!project.has("pid") || project.read("pid").trim() === "") await pause(20);
  return running;
}

describe("perdure checkpoint restore", () => {
  test("after kill -9 › returns to the checkpoint, ends what was left running, and resume goes on from there", async () => {
    project.write("plan.yaml", PLAN);
    await project.run("plan", "plan.yaml");
    expect(await project.run("checkpoint", "create", "start")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("start"),
    });
    const running = await startAndReach("wait");
    const orphan = Number(project.read("pid"));
    running.process.kill("SIGKILL");
    await running.finished;
    expect(isAlive(orphan)).toBe(true);

    const { code, stdout, stderr } = await project.run("checkpoint", "restore", "start");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Slow {2}active {2}is as it was at start \([0-9a-f]{8}\)$/m);
    expect(stderr).toContain("step command of first took place and would take place again when work goes on");
    // Its execution is not there any more, so no later run would find it.
    expect(await untilGone(orphan)).toBe(true);
    expect(await project.json("status")).toMatchObject({ counts: { pending: 1, blocked: 2, in_progress: 0 } });

    project.write("go", "");
    expect((await project.run("resume")).code).toBe(0);
    expect(project.read("effects")).toBe("first\nfirst\nwait\nlast\n");

    const undo = /perdure checkpoint restore ([0-9a-f]{8})/.exec(stdout)?.[1] ?? "";
    expect((await project.run("checkpoint", "restore", undo)).code).toBe(0);
    expect(await project.json("status")).toMatchObject({ counts: { completed: 1, pending: 1, blocked: 1 } });
    expect((await project.run("resume")).code).toBe(0);
    expect(project.read("effects")).toBe("first\nfirst\nwait\nlast\nwait\nlast\n");
  });

  test("while another process works the session › stops it in good order, and it says how to go on", async () => {
    project.write("plan.yaml", PLAN);
    await project.run("plan", "plan.yaml");
    await project.run("checkpoint", "create", "start");
    const running = await startAndReach("wait");
    const command = Number(project.read("pid"));
    const restored = await project.run("checkpoint", "restore", "start", "--json");
    expect(restored.code).toBe(0);
    const { data }: { data: { session: Status["session"]; cutOff: unknown[] } } = JSON.parse(restored.stdout);
    expect(data).toMatchObject({ session: { status: "paused" }, cutOff: [] });
    const { code, stdout } = await running.finished;
    expect(code).toBe(130);
    expect(stdout).toContain("interrupted wait");
    expect(await untilGone(command)).toBe(true);
    expect(await project.json("status")).toMatchObject({
      session: { status: "paused" },
      counts: { completed: 0, total: 3 },
    });

    project.write("go", "");
    expect((await project.run("resume")).code).toBe(0);
    expect(project.read("effects")).toBe("first\nfirst\nwait\nlast\n");
  });

  test("with no time to wait › does not wait for what runs, whose outcome counts for nothing", async () => {
    project.write("plan.yaml", PLAN);
    await project.run("plan", "plan.yaml");
    await project.run("checkpoint", "create", "start");
    const running = await startAndReach("wait");
    const { code, stderr } = await project.run("checkpoint", "restore", "start", "--wait", "0ms");
    expect(code).toBe(0);
    expect(stderr).toContain("it was being worked on and is paused");
    expect((await running.finished).code).toBe(130);
    expect(await project.json("status")).toMatchObject({
      session: { status: "paused" },
      counts: { in_progress: 0, completed: 0 },
    });
    project.write("go", "");
    expect((await project.run("resume")).code).toBe(0);
  });
});

describe("automatic checkpoints", () => {
  test("survive kill -9 of the run that made them, and each can be forked and worked", async () => {
    const tasks = Array.from(
      { length: 7 },
      (_, index) => `  - { id: t${index}, run: "sleep 0.05; echo t${index} >> effects" }`,
    );
    const plan = [
      "name: Many",
      "concurrency: 1",
      "tasks:",
      ...tasks,
      '  - { id: hang, needs: [t6], run: "sleep 60" }',
      "",
    ];
    project.write("plan.yaml", plan.join("\n"));
    const running = project.start(["run", "plan.yaml"]);
    await running.says("started     hang");
    running.process.kill("SIGKILL");
    await running.finished;
    const { items } = (await project.json("checkpoint", "list")) as {
      readonly items: readonly { id: string; kind: string; label: string }[];
    };
    expect(items.map(({ kind, label }) => `${kind} ${label}`)).toEqual(["automatic after 5 tasks"]);

    const fork = (await project.json("checkpoint", "fork", items[0]?.id ?? "")) as Status;
    expect(await project.json("status", fork.session.id)).toMatchObject({
      session: { status: "paused" },
      counts: { total: 8 },
    });
    expect((await project.run("task", "cancel", "hang")).code).toBe(0);
    expect((await project.run("resume", fork.session.id)).code).toBe(0);
    const diff = await project.run("checkpoint", "diff", items[0]?.id ?? "");
    expect(diff).toMatchObject({ code: 0, stdout: expect.stringContaining("went from pending to completed") });
  });
});
