import { describe, expect, it } from "vitest";

import { PerdureError } from "../base/errors.ts";
import { releaseHold } from "../store/commands/executions.ts";
import { getSessionOverview } from "../store/commands/session-overview.ts";
import { createSession, resumeSession } from "../store/commands/sessions.ts";
import { cancelTask, requestInterrupt } from "../store/commands/task-actions.ts";
import { listWorkers } from "../store/commands/workers.ts";
import { aSession } from "../testing/builders.ts";
import type { TaskCode, Workplace } from "./testing/workplace.ts";
import { workplaces } from "./testing/workplace.ts";

const { open } = workplaces();

/** Works for that long by the clock, heeding nothing. */
function busy(place: Workplace, ms: number): TaskCode {
  return () => new Promise<void>((resolve) => place.clock.setTimer(ms, resolve));
}

function diskFull(): PerdureError {
  return new PerdureError("store-unreachable", { message: "The disk is full" });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a worker", () => {
  it("never runs more at once than its concurrency, also when journals have to be loaded", async () => {
    const place = await open();
    const running = { now: 0, most: 0 };
    for (let index = 0; index < 12; index++) {
      await place.add(`t${index}`, async (run) => {
        running.most = Math.max(running.most, (running.now += 1));
        await run.step("a", () => new Promise<void>((resolve) => place.clock.setTimer(10 + index, resolve)));
        running.now -= 1;
        await run.sleep(1_500);
        running.most = Math.max(running.most, (running.now += 1));
        await run.step("b", () => new Promise<void>((resolve) => place.clock.setTimer(10, resolve)));
        running.now -= 1;
      });
    }
    await place.work({ concurrency: 3 });
    await place.finish(...Array.from({ length: 12 }, (_, index) => `t${index}`));
    expect(running).toEqual({ now: 0, most: 3 });
  });

  it("runs urgent tasks first, equal ones in the order they came", async () => {
    const place = await open();
    const order: string[] = [];
    for (const [key, priority] of [
      ["low", 1],
      ["first", 5],
      ["second", 5],
      ["high", 10],
    ] as const)
      await place.add(key, () => order.push(key), { priority });
    await place.work({ concurrency: 1 });
    await place.finish("low");
    expect(order).toEqual(["high", "first", "second", "low"]);
  });

  it("rests without calling the store, but to look after other workers and its lease", async () => {
    const place = await open();
    await place.add("later", () => null, { runAt: place.clock.now() + 120_000 });
    await place.work();
    await place.pass(1_000);
    place.calls.length = 0;
    await place.pass(60_000);
    expect(place.calls.filter((name) => name === "extend-leases")).toHaveLength(6);
    expect(place.calls.filter((name) => name === "list-workers")).toHaveLength(60);
    // A heartbeat is a commit like any other: what it may have brought is looked at.
    expect(place.calls.filter((name) => name === "claim-tasks")).toHaveLength(6);
    expect(place.calls).toHaveLength(78);
  });

  it("claims what comes due without being told", async () => {
    const place = await open();
    const startedAt = place.clock.now();
    const ranAt: number[] = [];
    await place.add("later", () => ranAt.push(place.clock.now()), { runAt: startedAt + 5_000 });
    await place.work();
    await place.pass(10_000);
    expect(ranAt).toEqual([startedAt + 5_000]);
  });

  it("tells whoever waits for it to come to rest that it has stopped", async () => {
    const place = await open();
    const worker = await place.work();
    await place.settle();
    const waiting = expect(worker.nextIdle(99)).rejects.toMatchObject({ code: "wrong-state" });
    await worker.stop();
    await waiting;
    await expect(worker.nextIdle(99)).rejects.toMatchObject({ code: "wrong-state" });
  });

  it("shows no error of an earlier attempt once it has completed", async () => {
    const place = await open();
    await place.add("flaky", (run) => {
      if (run.attempt === 1) throw new Error("Not yet");
      return "done";
    });
    await place.work();
    await place.settle();
    expect((await place.task("flaky")).lastError).toMatchObject({ message: "Not yet" });
    await place.finish("flaky");
    expect(await place.task("flaky")).toMatchObject({ status: "completed", retryCount: 1, lastError: null });
  });

  it("gives up with what the store failed with, and a later one goes on", async () => {
    const place = await open();
    let starts = 0;
    await place.add("a", async (run) => {
      await run.step("one", () => (starts += 1));
      return "done";
    });
    place.failures.set("complete-execution", diskFull());
    const worker = await place.work();
    await place.settle();
    await expect(worker.nextIdle(99)).rejects.toThrow("The disk is full");
    await worker.stop();
    await place.work({ process: 1 });
    await place.settle();
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "done" });
    expect(starts).toBe(1);
  });

  it("makes no more calls once it gave up, so that its leases run out", async () => {
    const place = await open();
    await place.add("a", () => "done");
    place.failures.set("complete-execution", diskFull());
    await place.work();
    await place.settle();
    place.calls.length = 0;
    await place.pass(25_000);
    expect(place.calls).toEqual([]);
  });

  it("that cannot look around at its start says so and leaves nothing behind", async () => {
    const place = await open();
    place.failures.set("list-workers", diskFull());
    await expect(place.work()).rejects.toThrow("The disk is full");
    await place.pass(20_000);
    expect(place.calls).not.toContain("extend-leases");
  });
});

describe("Worker.stop", () => {
  it("returns what runs to the queue at no cost, after the step in flight", async () => {
    const place = await open();
    const done: string[] = [];
    await place.add("a", async (run) => {
      for (const name of ["one", "two"])
        await run.step(name, async () => {
          await new Promise<void>((resolve) => place.clock.setTimer(100, resolve));
          done.push(name);
        });
    });
    const worker = await place.work({ process: 1 });
    await place.pass(50);
    const stopped = worker.stop();
    await place.pass(60);
    await stopped;
    expect(done).toEqual(["one"]);
    expect(await place.task("a")).toMatchObject({ status: "pending", retryCount: 0 });
    await place.work({ process: 2 });
    await place.finish("a");
    expect(done).toEqual(["one", "two"]);
    expect(await place.task("a")).toMatchObject({ status: "completed", retryCount: 0 });
  });

  it("begins nothing that a claim in flight brings", async () => {
    const place = await open();
    let starts = 0;
    const worker = await place.work();
    await place.settle();
    await place.add("a", () => (starts += 1));
    while (place.calls.at(-1) !== "claim-tasks") await turn();
    await worker.stop();
    await place.settle();
    expect(starts).toBe(0);
    expect((await place.task("a")).status).toBe("pending");
  });

  it("during the start begins nothing and leaves no worker behind", async () => {
    const place = await open();
    let starts = 0;
    await place.add("a", () => (starts += 1));
    const worker = place.employ();
    const started = worker.start();
    await Promise.all([worker.stop(), started]);
    await place.pass(5_000);
    expect(await place.store.execute(listWorkers, null)).toEqual([]);
    expect(starts).toBe(0);
  });

  it("cuts off a step that heeds nothing after twice the grace time", async () => {
    const place = await open();
    await place.add("a", (run) => run.step("deaf", () => new Promise(() => {})));
    const worker = await place.work({ graceMs: 1_000 });
    await place.settle();
    const stopped = worker.stop();
    await place.pass(2_000);
    await stopped;
    expect((await place.task("a")).status).toBe("pending");
  });
});

describe("cancellation", () => {
  it("stops a running task, and frees its place as soon as its step has stopped", async () => {
    const place = await open();
    const reasons: unknown[] = [];
    const taskId = await place.add("a", (run) =>
      run.step(
        "long",
        ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener("abort", () => {
              reasons.push(run.signal.reason);
              reject(new Error("stopped"));
            });
          }),
      ),
    );
    await place.add("b", () => "next", { priority: 1 });
    await place.work({ concurrency: 1 });
    await place.settle();
    await place.store.execute(cancelTask, { taskId, note: null });
    await place.pass(100);
    expect(reasons).toEqual(["cancelled"]);
    expect((await place.task("a")).status).toBe("cancelled");
    expect((await place.task("b")).status).toBe("completed");
  });
});

describe("a task's time limit", () => {
  it("fails the attempt, and the next one keeps what was recorded", async () => {
    const place = await open();
    let [first, attempts] = [0, 0];
    await place.add(
      "a",
      async (run) => {
        await run.step("first", () => (first += 1));
        attempts += 1;
        if (attempts === 1) await new Promise(() => {});
        return "in time";
      },
      { timeoutMs: 10_000 },
    );
    await place.work();
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "in time", retryCount: 1 });
    expect(first).toBe(1);
  });
});

describe("interrupt and resume", () => {
  it("three times, the last across a restart, do each step once", async () => {
    const place = await open();
    const done: number[] = [];
    await place.add("a", async (run) => {
      run.progress({ totalSteps: 10 });
      for (let index = 1; index <= 10; index++) {
        await run.step(`step ${index}`, async () => {
          await new Promise<void>((resolve) => place.clock.setTimer(1_000, resolve));
          done.push(index);
        });
      }
    });
    const interrupt = async (): Promise<void> => {
      await place.store.execute(requestInterrupt, { sessionId: place.session.id });
      await place.pass(1_500);
      expect(await place.task("a")).toMatchObject({ status: "blocked", blockedReason: "interrupted" });
    };
    const resume = async (): Promise<void> =>
      void (await place.store.execute(resumeSession, { sessionId: place.session.id, retryFailed: false }));
    const worker = await place.work({ process: 1 });
    await place.pass(2_500);
    await interrupt();
    expect(done).toEqual([1, 2, 3]);
    expect((await place.task("a")).progress.percent).toBe(30);
    await resume();
    await place.pass(1_500);
    await interrupt();
    await resume();
    await place.pass(1_500);
    await interrupt();
    await worker.stop();
    const before = (await place.task("a")).progress.percent;
    await place.work({ process: 2 });
    await resume();
    await place.settle();
    expect((await place.task("a")).progress.percent).toBe(before);
    await place.finish("a");
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect((await place.task("a")).retryCount).toBe(0);
  });

  it("is noticed when it is asked for while the journal is on its way", async () => {
    const place = await open();
    let goesOn = false;
    await place.add("a", async (run) => {
      await run.step("one", () => 1);
      await run.sleep(2_000);
      await busy(place, 5_000)(run, null);
      goesOn = true;
      await run.step("two", () => 2);
    });
    await place.work();
    await place.pass(1_900);
    const loads = place.calls.filter((name) => name === "list-steps").length;
    place.clock.advance(100);
    while (place.calls.filter((name) => name === "list-steps").length === loads) await turn();
    await place.store.execute(requestInterrupt, { sessionId: place.session.id });
    await place.pass(4_000);
    expect(goesOn).toBe(false);
    await place.pass(2_000);
    expect(await place.task("a")).toMatchObject({ status: "blocked", blockedReason: "interrupted" });
    expect(await place.steps("a")).toHaveLength(2);
  });

  it("stops a short sleep at once", async () => {
    const place = await open();
    await place.add("a", (run) => run.sleep(900));
    await place.work();
    await place.pass(10);
    await place.store.execute(requestInterrupt, { sessionId: place.session.id });
    await place.pass(100);
    expect(await place.task("a")).toMatchObject({ blockedReason: "interrupted" });
  });
});

describe("takeover", () => {
  it("from a dead process of the same host is immediate, and costs no retry", async () => {
    const place = await open();
    let starts = 0;
    await place.add("a", async (run) => {
      await run.step("one", () => (starts += 1));
      await run.step("two", () => (run.attempt === 1 && starts === 1 && !isDead ? new Promise(() => {}) : "two"));
      return "done";
    });
    let isDead = false;
    await place.work({ process: 1 });
    await place.settle();
    await place.work({ process: 2 });
    isDead = true;
    place.kill(1);
    await place.pass(1_000);
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "done", retryCount: 0 });
    expect(starts).toBe(1);
  });

  it("of its own lost work goes on, and only what it lost is stopped", async () => {
    const place = await open();
    let starts = 0;
    const signals: AbortSignal[] = [];
    await place.add("a", async (run) => {
      starts += 1;
      const isFirst = starts === 1;
      return await run.step("one", async ({ signal }) => {
        signals.push(signal);
        if (isFirst) return await new Promise<string>(() => {});
        await new Promise<void>((resolve) => place.clock.setTimer(100, resolve));
        return "done";
      });
    });
    await place.work({ concurrency: 2 });
    await place.settle();
    const { executionId } = await place.task("a");
    if (executionId === null) throw new Error("it runs");
    await place.store.execute(releaseHold, { hold: { executionId, fence: 1 }, why: "lost" });
    await place.pass(1_000);
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "done" });
    expect(signals).toHaveLength(2);
    expect(signals[0]?.aborted).toBe(true);
  });

  it("at the start is work to be done: the new worker is not at rest before it", async () => {
    const place = await open();
    const isDead = { value: false };
    await place.add("a", async (run) => {
      await run.step("one", () => 1);
      await run.step("two", () => (isDead.value ? 2 : new Promise(() => {})));
      return "done";
    });
    await place.work({ process: 1 });
    await place.settle();
    isDead.value = true;
    place.kill(1);
    const worker = await place.work({ process: 2 });
    await worker.nextIdle(0);
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "done" });
  });

  it("from another host waits until the lease has run out", async () => {
    const place = await open();
    let starts = 0;
    await place.add("a", () => ((starts += 1) === 1 ? new Promise(() => {}) : "done"));
    await place.work({ process: 1, host: "there" });
    await place.settle();
    place.kill(1);
    await place.work({ process: 2, host: "here" });
    await place.pass(25_000);
    expect((await place.task("a")).status).toBe("in_progress");
    await place.pass(10_000);
    expect(await place.task("a")).toMatchObject({ status: "completed", retryCount: 0 });
  });

  it("leaves nothing to be done again by one that comes back", async () => {
    const place = await open();
    const done: string[] = [];
    await place.add("work", async (run) => {
      for (const step of ["one", "two", "three"]) await run.step(step, () => void done.push(step));
    });
    place.cutOff(1, "record-step");
    await place.work({ process: 1, host: "far" });
    await place.settle();
    await place.work({ process: 2, host: "here" });
    await place.pass(40_000);
    expect((await place.task("work")).status).toBe("completed");
    place.heal(1);
    await place.pass(10_000);
    expect(done).toEqual(["one", "two", "three"]);
  });

  it("does not happen while heartbeats keep the lease", async () => {
    const place = await open();
    await place.add("a", busy(place, 300_000));
    await place.work({ process: 1, host: "there" });
    await place.work({ process: 2, host: "here" });
    await place.pass(290_000);
    expect(place.events.filter((event) => event.kind === "recovered")).toEqual([]);
    await place.finish("a");
    expect(place.events.filter((event) => event.kind === "started")).toHaveLength(1);
  });
});

describe("run.progress", () => {
  it("is written at most four times a second, the newest report last", async () => {
    const place = await open();
    await place.add("a", async (run) => {
      for (let percent = 0; percent <= 100; percent++) {
        run.progress({ percent });
        await busy(place, 10)(run, null);
      }
    });
    await place.work();
    await place.finish("a");
    const writes = place.calls.filter((name) => name === "report-progress").length;
    expect(writes).toBeGreaterThan(2);
    expect(writes).toBeLessThanOrEqual(6);
  });

  it("remembers milestones over a restart", async () => {
    const place = await open();
    let attempts = 0;
    await place.add("a", async (run) => {
      attempts += 1;
      if (attempts === 1) {
        run.progress({ milestones: ["built", "shipped"], milestone: "built" });
        await new Promise(() => {});
      }
      run.progress({ milestone: "shipped" });
      await busy(place, 500)(run, null);
    });
    await place.work({ process: 1 });
    await place.pass(1_000);
    place.kill(1);
    await place.work({ process: 2 });
    await place.pass(300);
    const { milestones } = (await place.task("a")).progress;
    expect(milestones.map(({ name, reachedAt }) => [name, reachedAt !== null])).toEqual([
      ["built", true],
      ["shipped", true],
    ]);
  });
});

describe("a session's progress", () => {
  it("is a third after one of three tasks, and two thirds after two", async () => {
    const place = await open();
    for (const [index, key] of ["one", "two", "three"].entries())
      await place.add(key, busy(place, 1_000), { priority: 9 - index });
    await place.work({ concurrency: 1 });
    const percents: number[] = [];
    for (let seconds = 0; seconds < 3; seconds++) {
      await place.pass(1_000);
      const overview = { sessionId: place.session.id, lines: 10, concurrency: 1 };
      percents.push((await place.store.execute(getSessionOverview, overview)).progress.percent);
    }
    expect(percents).toEqual([33.3, 66.7, 100]);
  });
});

describe("dependency failure", () => {
  it.each([
    ["block", "blocked"],
    ["cancel", "cancelled"],
    ["run", "completed"],
  ] as const)("with the policy %s leaves the dependent %s", async (onDependencyFailure, status) => {
    const place = await open();
    await place.add(
      "bad",
      () => {
        throw new Error("no");
      },
      { maxRetries: 0 },
    );
    await place.add("after", () => "ran", { needs: ["bad"], onDependencyFailure });
    await place.work();
    await place.finish("bad");
    await place.pass(1_000);
    expect((await place.task("after")).status).toBe(status);
  });
});

describe("a worker of one session", () => {
  it("leaves the tasks of others alone", async () => {
    const place = await open();
    await place.add("a", () => "done");
    const other = await place.store.execute(createSession, aSession({ name: "other" }));
    await place.work({ sessionId: other.id });
    await place.pass(5_000);
    expect((await place.task("a")).status).toBe("pending");
  });
});

describe("a worker that drains", () => {
  it("claims nothing more and stops once what runs has ended", async () => {
    const place = await open();
    await place.add("long", busy(place, 8_000));
    await place.add("next", () => "ran");
    const worker = await place.work({ concurrency: 1 });
    await place.pass(1_000);
    let hasStopped = false;
    const drained = worker.drain(20_000).then(() => (hasStopped = true));
    await place.pass(6_000);
    expect(hasStopped).toBe(false);
    await place.pass(1_500);
    expect(hasStopped).toBe(true);
    await drained;
    expect([(await place.task("long")).status, (await place.task("next")).status]).toEqual(["completed", "pending"]);
  });

  it("lets go at the deadline of what still runs, at a step boundary and without costing a retry", async () => {
    const place = await open();
    const steps: string[] = [];
    await place.add("long", async (run) => {
      for (let at = 0; at < 10; at++)
        await run.step(`s${at}`, async () => {
          steps.push(`s${at}`);
          await new Promise<void>((resolve) => place.clock.setTimer(3_000, resolve));
        });
    });
    const worker = await place.work();
    await place.pass(1_000);
    let hasStopped = false;
    const drained = worker.drain(4_000).then(() => (hasStopped = true));
    await place.pass(4_900);
    expect(hasStopped).toBe(false);
    await place.pass(200);
    expect(hasStopped).toBe(true);
    await drained;
    expect(await place.task("long")).toMatchObject({ status: "pending", retryCount: 0 });
    expect(place.events.at(-1)).toMatchObject({ kind: "ended", outcome: "released" });
    await place.work({ process: 2 });
    await place.finish("long");
    expect(steps).toEqual(Array.from({ length: 10 }, (_, at) => `s${at}`));
  });

  it("keeps its leases and heeds interrupts meanwhile", async () => {
    const place = await open();
    const taskId = await place.add("long", async (run) => {
      for (;;) await run.step("s", () => new Promise<void>((resolve) => place.clock.setTimer(2_000, resolve)));
    });
    const worker = await place.work();
    await place.pass(1_000);
    const drained = worker.drain(200_000);
    await place.pass(60_000);
    expect((await place.task("long")).status).toBe("in_progress");
    const { executionId } = await place.task("long");
    if (executionId === null) throw new Error(`${taskId} has begun`);
    await place.store.execute(requestInterrupt, { executionId });
    await place.pass(3_000);
    await drained;
    expect(await place.task("long")).toMatchObject({ status: "blocked", blockedReason: "interrupted" });
  });

  it("gives back what a claim on its way brings", async () => {
    const place = await open();
    const worker = await place.work();
    await place.settle();
    await place.add("late", () => "ran");
    // The commit has been heard of and the claim is on its way.
    await turn();
    const drained = worker.drain(60_000);
    await place.settle();
    await drained;
    expect((await place.task("late")).status).toBe("pending");
  });

  it("stops at once when it is told to", async () => {
    const place = await open();
    await place.add("long", async (run) => {
      await run.step("a", () => new Promise<void>((resolve) => place.clock.setTimer(2_000, resolve)));
      await run.step("b", () => "never");
    });
    const worker = await place.work();
    await place.pass(1_000);
    const drained = worker.drain(60_000);
    await place.settle();
    const stopped = worker.stop();
    await place.pass(1_500);
    await Promise.all([drained, stopped]);
    expect((await place.task("long")).status).toBe("pending");
  });
});

describe("a worker with labels", () => {
  it("says what it can carry out, also when more is defined later", async () => {
    const place = await open();
    await place.add("a", () => null);
    await place.work({ labels: ["gpu"] });
    await place.settle();
    const executors = async () => (await place.store.execute(listWorkers, null)).map((worker) => worker.executors);
    expect(await place.store.execute(listWorkers, null)).toMatchObject([{ executors: ["code of a"], labels: ["gpu"] }]);
    await place.add("b", () => null);
    await place.settle();
    expect(await executors()).toEqual([["code of a", "code of b"]]);
  });

  it("runs what others cannot, and rests without it", async () => {
    const place = await open();
    const ranBy: string[] = [];
    await place.add("gpu", (run) => ranBy.push(run.task.title), { labels: ["gpu"] });
    const plain = await place.work({ process: 1 });
    await place.settle();
    expect(await plain.nextIdle(0)).toMatchObject({ isMoreComing: false, nextDueAt: null });
    expect(ranBy).toEqual([]);
    await place.work({ process: 2, labels: ["gpu"] });
    await place.finish("gpu");
    expect(ranBy).toEqual(["gpu"]);
  });
});

describe("workers under limits", () => {
  it("never run more of a key than may run, whoever dies, and end them all", async () => {
    const place = await open();
    const running = new Map<string, number>();
    let most = 0;
    for (let at = 0; at < 12; at++) {
      await place.add(
        `t${at}`,
        async (run) => {
          running.set(run.executionId, 1);
          most = Math.max(most, running.size);
          await new Promise<void>((resolve) => place.clock.setTimer(1_000, resolve));
          running.delete(run.executionId);
        },
        { limit: { key: "shared", concurrency: 2, rate: null } },
      );
    }
    for (let process = 1; process <= 3; process++) await place.work({ process, concurrency: 3 });
    await place.pass(500);
    for (const process of [1, 2]) place.kill(process);
    running.clear();
    await place.finish(...Array.from({ length: 12 }, (_, at) => `t${at}`));
    expect(most).toBe(2);
  });

  it("wait for a rate without being told, and are not idle meanwhile", async () => {
    const place = await open();
    const startedAt = place.clock.now();
    const ranAt: number[] = [];
    for (let at = 0; at < 6; at++) {
      await place.add(`t${at}`, () => ranAt.push(place.clock.now() - startedAt), {
        limit: { key: "api", concurrency: null, rate: { count: 2, perMs: 5_000 } },
      });
    }
    const worker = await place.work({ concurrency: 10 });
    await place.settle();
    expect(await worker.nextIdle(0)).toMatchObject({ isMoreComing: true, nextDueAt: startedAt + 5_000 });
    await place.finish(...Array.from({ length: 6 }, (_, at) => `t${at}`));
    expect(ranAt).toEqual([0, 0, 5_000, 5_000, 10_000, 10_000]);
  });
});
