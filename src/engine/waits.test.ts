import { describe, expect, it } from "vitest";

import { sendSignal } from "../store/commands/signals.ts";
import { cancelTask, retryTask } from "../store/commands/task-actions.ts";
import { approvalSignal } from "./run-waits.ts";
import type { Workplace } from "./testing/workplace.ts";
import { workplaces } from "./testing/workplace.ts";

const { open } = workplaces();

async function signal(place: Workplace, key: string, name: string, payload: unknown = null): Promise<void> {
  await place.store.execute(sendSignal, { taskId: (await place.task(key)).id, name, payload });
}

describe("run.sleep", () => {
  it("stays in its process when it is short", async () => {
    const place = await open();
    await place.add("a", (run) => run.sleep("1s"));
    await place.work();
    await place.pass(500);
    expect((await place.task("a")).status).toBe("in_progress");
    await place.finish("a");
    expect(place.calls).not.toContain("suspend-execution");
  });

  it("frees its place when it is long, and wakes in time", async () => {
    const place = await open();
    const woken: number[] = [];
    await place.add("a", async (run) => {
      await run.sleep("2h");
      woken.push(place.clock.now());
    });
    await place.add("b", () => "ran meanwhile");
    const startedAt = place.clock.now();
    await place.work({ concurrency: 1 });
    await place.pass(10);
    expect(await place.task("b")).toMatchObject({ status: "completed" });
    await place.pass(2 * 3_600_000);
    expect(woken).toEqual([startedAt + 2 * 3_600_000]);
  });

  it("is not slept again after a restart, only what is left of it", async () => {
    const place = await open();
    await place.add("a", (run) => run.sleep("10m"));
    await place.work({ process: 1 });
    await place.pass(8 * 60_000);
    place.kill(1);
    await place.work({ process: 2 });
    await place.pass(2 * 60_000);
    expect((await place.task("a")).status).toBe("completed");
  });
});

describe("run.waitFor", () => {
  it.each(["before", "after"])("receives a signal sent %s it waits", async (when) => {
    const place = await open();
    await place.add("a", (run) => run.waitFor("go"));
    if (when === "before") await signal(place, "a", "go", { by: "me" });
    await place.work();
    await place.settle();
    if (when === "after") {
      expect(await place.task("a")).toMatchObject({ status: "blocked", blockedReason: "waiting" });
      await signal(place, "a", "go", { by: "me" });
    }
    await place.finish("a");
    expect((await place.task("a")).result).toEqual({ by: "me" });
  });

  it("receives a signal sent between the look for one and the suspension", async () => {
    const place = await open();
    await place.add("a", (run) => run.waitFor("go"));
    await place.work();
    while (!place.calls.includes("await-signal")) await new Promise((resolve) => setImmediate(resolve));
    await signal(place, "a", "go", 1);
    await place.settle();
    expect(await place.task("a")).toMatchObject({ status: "completed", result: 1 });
  });

  it("receives each signal once, in the order they were sent", async () => {
    const place = await open();
    await place.add("a", async (run) => [await run.waitFor("go"), await run.waitFor("go")]);
    await signal(place, "a", "go", 1);
    await signal(place, "a", "go", 2);
    await place.work();
    await place.finish("a");
    expect((await place.task("a")).result).toEqual([1, 2]);
  });

  it("gives null after its time limit, also across a restart", async () => {
    const place = await open();
    await place.add("a", (run) => run.waitFor("go", { timeout: "1h" }));
    await place.work({ process: 1 });
    await place.pass(1_800_000);
    place.kill(1);
    await place.work({ process: 2 });
    await place.pass(1_799_000);
    expect((await place.task("a")).status).toBe("blocked");
    await place.pass(1_000);
    expect(await place.task("a")).toMatchObject({ status: "completed", result: null });
  });
});

describe("run.approval", () => {
  it("asks, waits, and tells who answered what", async () => {
    const place = await open();
    await place.add("a", (run) => run.approval("Deploy?"));
    await place.work();
    await place.settle();
    expect(await place.task("a")).toMatchObject({ blockedReason: "waiting", blockedNote: "Deploy?" });
    await signal(place, "a", approvalSignal("Deploy?"), { approved: false, by: "eve", comment: "not today" });
    await place.finish("a");
    expect((await place.task("a")).result).toEqual({ approved: false, by: "eve", comment: "not today" });
  });
});

describe("two waits at once", () => {
  it("end with whichever is over first", async () => {
    const place = await open();
    place.define("child", (run) => run.waitFor("never"));
    await place.add("a", (run) =>
      Promise.race([run.child({ title: "c", executor: "child" }), run.sleep("1h").then(() => "slept")]),
    );
    await place.work();
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "slept" });
  });

  it("are woken by the child while a signal is still awaited", async () => {
    const place = await open();
    place.define("child", (run) => run.sleep("10s"));
    await place.add("a", async (run) => {
      const [, told] = await Promise.all([run.child({ title: "c", executor: "child" }), run.waitFor("go")]);
      return told;
    });
    await place.work();
    await place.pass(20_000);
    expect(await place.steps("a")).toMatchObject([{ status: "completed" }, { status: "started" }]);
    await signal(place, "a", "go", "gone");
    await place.finish("a");
    expect((await place.task("a")).result).toBe("gone");
  });
});

describe("run.children", () => {
  it("gives their results in order, and frees the parent's place meanwhile", async () => {
    const place = await open();
    place.define("double", (_run, input) => Number(input) * 2);
    await place.add("a", (run) =>
      run.children([1, 2, 3].map((input) => ({ title: `c${input}`, executor: "double", input }))),
    );
    await place.work({ concurrency: 1 });
    await place.finish("a");
    expect((await place.task("a")).result).toEqual([2, 4, 6]);
  });

  it("goes on at once when the children ended before the parent was suspended", async () => {
    const place = await open();
    place.define("quick", () => "quick");
    await place.add("a", async (run) => {
      const [result] = await Promise.all([
        run.child({ title: "c", executor: "quick" }),
        run.step("busy", () => new Promise<void>((resolve) => place.clock.setTimer(500, resolve))),
      ]);
      return result;
    });
    await place.work();
    await place.finish("a");
    expect((await place.task("a")).result).toBe("quick");
  });

  it("fails the parent when a child failed for good", async () => {
    const place = await open();
    place.define("bad", () => {
      throw new Error("child trouble");
    });
    await place.add("a", (run) => run.child({ title: "c", executor: "bad", maxRetries: 0 }), { maxRetries: 0 });
    await place.work();
    await place.finish("a");
    expect((await place.task("a")).lastError?.message).toBe("Child task c failed: child trouble");
  });

  it("tries failed children again when the parent is retried, and not those that completed", async () => {
    const place = await open();
    const starts = { good: 0, bad: 0 };
    place.define("good", () => (starts.good += 1));
    place.define("bad", () => {
      starts.bad += 1;
      if (starts.bad === 1) throw new Error("first time");
      return "second time";
    });
    await place.add("a", (run) =>
      run.children([
        { title: "g", executor: "good", maxRetries: 0 },
        { title: "b", executor: "bad", maxRetries: 0 },
      ]),
    );
    await place.work();
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", result: [1, "second time"], retryCount: 1 });
    expect(starts).toEqual({ good: 1, bad: 2 });
  });

  it("does not bring a cancelled child back by itself, but when a person retries the parent", async () => {
    const place = await open();
    place.define("child", (run) => run.waitFor("go"));
    await place.add("a", (run) => run.child({ title: "c", executor: "child" }));
    await place.work();
    await place.settle();
    const [step] = await place.steps("a");
    const [childId] = step?.kind.type === "children" ? step.kind.taskIds : [];
    if (childId === undefined) throw new Error("a child was created");
    await place.store.execute(cancelTask, { taskId: childId, note: null });
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "failed", retryCount: 0 });
    await place.store.execute(retryTask, { taskId: (await place.task("a")).id });
    await place.settle();
    await place.store.execute(sendSignal, { taskId: childId, name: "go", payload: "after all" });
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "after all" });
  });
});
