/** Stopping, going on, and working in the background. */

import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";

import { useCliProject } from "./cli/cli-project.ts";

const project = useCliProject();

/** Waits for the file `go`; gives way to TERM unless told otherwise. */
const slow = (shell = "") =>
  `name: Slow\ntasks:\n  - { id: first, run: "echo first >> effects" }\n  - { id: wait, needs: [first], run: "${shell}if [ -e go ]; then echo wait >> effects; else sleep 30; fi" }\n  - { id: last, needs: [wait], run: "echo last >> effects" }\n`;

interface Status {
  readonly session: { readonly id: string; readonly status: string };
  readonly running: readonly unknown[];
}

async function untilStatus(isReached: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const status = (await project.json("status").catch(() => null)) as Status | null;
    if (status !== null && isReached(status)) return status;
    await pause(50);
  }
}

describe("Ctrl-C", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "once (%s) › interrupts in good order, and resume goes on",
    async (signal) => {
      project.write("plan.yaml", slow());
      const running = project.start(["run", "plan.yaml"]);
      await running.says("started     wait");
      running.process.kill(signal);
      const { code, stdout, stderr } = await running.finished;
      expect(code).toBe(130);
      expect(stderr).toBe("stopping at the next step boundary; press Ctrl-C again to stop at once\n");
      expect(stdout).toContain("interrupted wait");
      expect(stdout).toContain("`perdure resume` continues.");
      expect(await project.json("status")).toMatchObject({ session: { status: "paused" }, running: [] });

      project.write("go", "");
      const resumed = await project.run("resume");
      expect(resumed.code).toBe(0);
      expect(resumed.stdout.split("\n")[0]).toContain(
        "1 of 3 tasks already done (33.3%), 2 left, 1 going on where interrupted",
      );
      expect(project.read("effects")).toBe("first\nwait\nlast\n");
    },
  );

  test("twice › ends at once, and run goes on", async () => {
    // The shell and its sleep ignore the polite signal.
    project.write("plan.yaml", slow("trap '' TERM; "));
    const running = project.start(["run", "plan.yaml"]);
    await running.says("started     wait");
    await pause(300);
    running.process.kill("SIGINT");
    await running.says("press Ctrl-C again");
    const askedAt = Date.now();
    running.process.kill("SIGINT");
    const { code, stderr } = await running.finished;
    expect([code, Date.now() - askedAt < 2_000]).toEqual([130, true]);
    expect(stderr).toContain("stopped at once; `perdure resume` continues");

    project.write("go", "");
    expect((await project.run("run", "plan.yaml")).code).toBe(0);
    expect(project.read("effects")).toBe("first\nwait\nlast\n");
  });

  test("lets a worker go with 0, and its task returns to the queue", async () => {
    project.write("plan.yaml", slow());
    await project.run("plan", "plan.yaml");
    const worker = project.start(["worker"]);
    await worker.says("started     wait");
    worker.process.kill("SIGINT");
    expect(await worker.finished).toMatchObject({ code: 0 });
    expect(await project.json("status")).toMatchObject({
      session: { status: "active" },
      running: [],
      counts: { pending: 1 },
    });
  });

  test("ends watching, not the work", async () => {
    project.write("plan.yaml", slow());
    const running = project.start(["run", "plan.yaml"]);
    await running.says("started     wait");
    const watching = project.start(["watch", "--json"]);
    await watching.says('"type":"status"');
    watching.process.kill("SIGINT");
    expect(await watching.finished).toMatchObject({ code: 0, stderr: "" });
    expect(await project.json("status")).toMatchObject({ counts: { in_progress: 1 } });
    running.process.kill("SIGINT");
    await running.finished;
  });
});

describe("another process", () => {
  test("interrupts a session that is worked on", async () => {
    project.write("plan.yaml", slow());
    const running = project.start(["run", "plan.yaml"]);
    await running.says("started     wait");
    const { code, stdout } = await project.run("interrupt");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Asked [0-9a-f]{8} to stop; session Slow is paused/)]);
    expect(await running.finished).toMatchObject({ code: 130 });
  });

  test("watches to the end, a line for each change", async () => {
    project.write("plan.yaml", slow());
    const running = project.start(["run", "plan.yaml"]);
    await running.says("started     wait");
    const watching = project.start(["watch"]);
    await watching.says("33.3%");
    await project.run("interrupt");
    await running.finished;
    project.write("go", "");
    await project.run("resume");
    const { code, stdout } = await watching.finished;
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").at(-1)).toMatch(/^Slow {2}completed {2}100% {2}3 of 3 done/);
  });

  test("follows the log", async () => {
    project.write("plan.yaml", slow());
    await project.run("plan", "plan.yaml");
    const following = project.start(["log", "--follow", "--json"]);
    await pause(500);
    await project.run("task", "cancel", "first", "not needed");
    await following.says('"verb":"cancel"');
    following.process.kill("SIGINT");
    expect(await following.finished).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("--detach", () => {
  test("works in the background, with its output in a file", async () => {
    project.write("plan.yaml", slow());
    const { code, stdout } = await project.run("run", "plan.yaml", "--detach");
    expect(code).toBe(0);
    const id = /perdure watch ([0-9a-f]{8})/.exec(stdout)?.[1] ?? "";
    await untilStatus(({ running }) => running.length === 1);
    expect((await project.run("interrupt", id)).code).toBe(0);
    const { session } = await untilStatus(
      ({ session: { status }, running }) => status === "paused" && running.length === 0,
    );

    project.write("go", "");
    const again = (await project.json("resume", "--detach")) as {
      readonly session: { readonly id: string };
      readonly log: string;
    };
    expect(again.session.id).toBe(session.id);
    await untilStatus(({ session: { status } }) => status === "completed");
    expect(project.read("effects")).toBe("first\nwait\nlast\n");
    expect(project.read(`.perdure/logs/${session.id}.log`)).toContain("interrupted wait");
  });

  test("refuses a plan that is wrong before anything is begun", async () => {
    project.write("plan.yaml", "tasks:\n  - { id: a, needs: [b] }\n");
    expect(await project.run("run", "plan.yaml", "--detach")).toMatchObject({ code: 2, stdout: "" });
    expect(project.has(".perdure")).toBe(false);
  });
});
