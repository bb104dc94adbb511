import { describe, expect, it } from "vitest";

import { NonRetryable, RetryAfter } from "../domain/retry-policy.ts";
import { resolveUnknownSteps } from "../store/commands/steps.ts";
import { retryTask } from "../store/commands/task-actions.ts";
import type { Run } from "./run.ts";
import { workplaces } from "./testing/workplace.ts";

const { open } = workplaces();

/** A function that fails as often as said and counts its calls. */
function counted(failures = 0) {
  const act = (): string => {
    act.calls += 1;
    if (act.calls <= failures) throw new Error(`failure ${act.calls}`);
    return "done";
  };
  act.calls = 0;
  return act;
}

describe("run.step", () => {
  it("returns its result as every later run will see it, read back from JSON", async () => {
    const place = await open();
    const seen: unknown[] = [];
    await place.add("a", async (run) => {
      seen.push(await run.step("when", () => ({ at: new Date(0), left: undefined, odd: Number.NaN })));
    });
    await place.work();
    await place.finish("a");
    expect(seen).toEqual([{ at: "1970-01-01T00:00:00.000Z", odd: null }]);
  });

  it("is not carried out again by the next attempt, only what failed is", async () => {
    const place = await open();
    const [first, second, third] = [counted(), counted(2), counted()];
    await place.add("a", async (run) => {
      await run.step("first", first);
      await run.step("second", second);
      return await run.step("third", third);
    });
    await place.work();
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "done", retryCount: 2 });
    expect([first.calls, second.calls, third.calls]).toEqual([1, 3, 1]);
  });

  it("has an idempotency key that stays over attempts", async () => {
    const place = await open();
    const keys: string[] = [];
    const pay = counted(1);
    await place.add("a", (run) =>
      run.step("pay", ({ idempotencyKey }) => {
        keys.push(idempotencyKey);
        return pay();
      }),
    );
    await place.work();
    await place.finish("a");
    const { executionId } = await place.task("a");
    expect(keys).toEqual([`${executionId}:pay`, `${executionId}:pay`]);
  });

  it("replays a failure the code handled, also in the next attempt", async () => {
    const place = await open();
    const [optional, flaky] = [counted(1), counted(1)];
    await place.add("a", async (run) => {
      const found = await run.step("optional", optional).catch((error: Error) => error.message);
      await run.step("flaky", flaky);
      return found;
    });
    await place.work();
    await place.finish("a");
    expect((await place.task("a")).result).toBe("failure 1");
    expect([optional.calls, flaky.calls]).toEqual([1, 2]);
  });

  it("tries again what failed before a clean-up that was recorded", async () => {
    const place = await open();
    const [work, cleanUp, next] = [counted(1), counted(), counted()];
    await place.add("a", async (run) => {
      try {
        await run.step("work", work);
      } catch (error) {
        await run.step("clean up", cleanUp);
        throw error;
      }
      return await run.step("next", next);
    });
    await place.work();
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "done", retryCount: 1 });
    expect([work.calls, cleanUp.calls, next.calls]).toEqual([2, 1, 1]);
  });

  it("tries again what failed beside other steps, although those asked for more", async () => {
    const place = await open();
    const [bad, good] = [counted(1), counted()];
    await place.add("a", async (run) => {
      const chain = async (): Promise<void> => {
        await run.step("one", good);
        await run.step("two", good);
      };
      const ends = await Promise.allSettled([run.step("bad", bad), chain()]);
      if (ends.some((end) => end.status === "rejected")) throw new Error("not all worked");
    });
    await place.work();
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", retryCount: 1 });
    expect([bad.calls, good.calls]).toEqual([2, 2]);
  });

  it("fails after its time limit, and tells its code", async () => {
    const place = await open();
    const reasons: unknown[] = [];
    await place.add(
      "a",
      (run) =>
        run.step(
          "slow",
          ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener("abort", () => {
                reasons.push(signal.reason);
                reject(new Error("stopped"));
              });
            }),
          { timeout: "2s" },
        ),
      { maxRetries: 0 },
    );
    await place.work();
    await place.finish("a");
    expect((await place.task("a")).lastError?.message).toBe("Step slow took longer than its 2000 ms");
    expect(reasons).toHaveLength(1);
  });

  it("fails the task at once when its result cannot be stored", async () => {
    const place = await open();
    const act = counted();
    await place.add("a", (run) =>
      run
        .step("loop", () => {
          act();
          const cycle: { self?: unknown } = {};
          cycle.self = cycle;
          return cycle;
        })
        .catch(() => "the code cannot do anything about it"),
    );
    await place.work();
    await place.finish("a");
    const task = await place.task("a");
    expect(task).toMatchObject({ status: "failed", retryCount: 0 });
    expect(task.lastError?.message).toMatch(/result of step loop cannot be stored as JSON/);
    expect(act.calls).toBe(1);
  });

  it("ends the attempt for good when the code asks for another step than before", async () => {
    const place = await open();
    let attempt = 0;
    await place.add("a", async (run) => {
      attempt += 1;
      await run.step(attempt === 1 ? "first" : "other", () => 1);
      throw new Error("again");
    });
    await place.work();
    await place.finish("a");
    const task = await place.task("a");
    expect(task.lastError?.code).toBe("journal-mismatch");
    expect(task.lastError?.message).toMatch(/"other" where the journal has step "first"/);
    expect(attempt).toBe(2);
  });

  it("lets go of a failed attempt only when the steps beside the failed one have stopped", async () => {
    const place = await open();
    const running = { now: 0, most: 0 };
    const bad = counted(1);
    await place.add("a", (run) =>
      Promise.all([
        run.step("bad", bad),
        run.step("long", async ({ signal }) => {
          running.most = Math.max(running.most, (running.now += 1));
          await new Promise<void>((resolve) => {
            const cancel = place.clock.setTimer(60_000, resolve);
            signal.addEventListener("abort", () => {
              cancel();
              place.clock.setTimer(1_500, resolve);
            });
          });
          running.now -= 1;
        }),
      ]),
    );
    await place.work();
    await place.finish("a");
    expect(running).toEqual({ now: 0, most: 1 });
  });

  it("may be left unawaited when it fails, without ending the process", async () => {
    const place = await open();
    await place.add(
      "a",
      async (run) => {
        const bad = (): never => {
          throw new Error("no");
        };
        const [a, b] = [run.step("a", bad), run.step("b", bad)];
        void run.log("left alone");
        await a;
        await b;
      },
      { maxRetries: 0 },
    );
    await place.work();
    await place.finish("a");
    expect((await place.task("a")).lastError?.message).toBe("no");
  });
});

describe("a step with effect once", () => {
  const once = { effect: "once" } as const;

  /** Worker 1 dies in the middle of the step, worker 2 goes on. */
  async function dieInside(options: { readonly verify?: () => { done: true; result: string } | { done: false } }) {
    const place = await open();
    let starts = 0;
    const act = (): Promise<string> | string => {
      starts += 1;
      return starts === 1 ? new Promise<string>(() => {}) : "second";
    };
    await place.add("a", (run: Run) => run.step("pay", act, { ...once, ...options }));
    await place.work({ process: 1 });
    await place.settle();
    place.kill(1);
    await place.work({ process: 2 });
    await place.pass(5_000);
    return { place, starts: () => starts };
  }

  it("blocks its task when nobody knows whether it took place", async () => {
    const { place, starts } = await dieInside({});
    expect(await place.task("a")).toMatchObject({ status: "blocked", blockedReason: "unknown_outcome" });
    expect(await place.steps("a")).toMatchObject([{ name: "pay", status: "unknown" }]);
    expect(starts()).toBe(1);
  });

  it.each([
    ["done", "seen", 1],
    ["retry", "second", 2],
    ["skip", null, 1],
  ] as const)("goes on as someone decides: %s", async (decision, result, startCount) => {
    const { place, starts } = await dieInside({});
    const { id: taskId } = await place.task("a");
    await place.store.execute(resolveUnknownSteps, { taskId, decision, result: "seen" });
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", result });
    expect(starts()).toBe(startCount);
  });

  it("takes the result that verify found", async () => {
    const { place, starts } = await dieInside({ verify: () => ({ done: true, result: "found" }) });
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "found" });
    expect(starts()).toBe(1);
  });

  it("is carried out when verify says that it did not take place", async () => {
    const { place, starts } = await dieInside({ verify: () => ({ done: false }) });
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "second" });
    expect(starts()).toBe(2);
  });

  it("asks verify again in the next attempt when it could not tell", async () => {
    let asked = 0;
    const verify = (): { done: true; result: string } => {
      asked += 1;
      if (asked === 1) throw new Error("cannot tell");
      return { done: true, result: "found" };
    };
    const { place, starts } = await dieInside({ verify });
    expect(await place.task("a")).toMatchObject({ status: "completed", result: "found", retryCount: 1 });
    expect(starts()).toBe(1);
  });

  it("does not let the code go on past a verify that could not tell", async () => {
    const place = await open();
    const marks: string[] = [];
    let starts = 0;
    await place.add(
      "a",
      async (run) => {
        const act = (): Promise<string> => {
          starts += 1;
          return new Promise(() => {});
        };
        const verify = (): never => {
          throw new Error("cannot tell");
        };
        await run.step("pay", act, { ...once, verify }).catch(() => marks.push("went on"));
      },
      { maxRetries: 0 },
    );
    await place.work({ process: 1 });
    await place.settle();
    place.kill(1);
    await place.work({ process: 2 });
    await place.finish("a");
    expect(marks).toEqual([]);
    expect((await place.task("a")).lastError?.message).toBe("cannot tell");
    expect(starts).toBe(1);
  });

  it("keeps failures the code had handled when someone decides about a later step", async () => {
    const place = await open();
    const optional = counted(1);
    let starts = 0;
    await place.add("a", async (run) => {
      const found = await run.step("optional", optional).catch(() => "caught");
      const act = (): Promise<string> => {
        starts += 1;
        return new Promise(() => {});
      };
      await run.step("pay", act, once);
      return found;
    });
    await place.work({ process: 1 });
    await place.settle();
    place.kill(1);
    await place.work({ process: 2 });
    await place.pass(2_000);
    const { id: taskId } = await place.task("a");
    await place.store.execute(resolveUnknownSteps, { taskId, decision: "done", result: null });
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ result: "caught" });
    expect([optional.calls, starts]).toEqual([1, 1]);
  });

  it("is unknown after its own time limit", async () => {
    const place = await open();
    await place.add("a", (run) => run.step("pay", () => new Promise(() => {}), { ...once, timeout: 100 }));
    await place.work();
    await place.pass(10_000);
    expect(await place.task("a")).toMatchObject({ status: "blocked", blockedReason: "unknown_outcome" });
  });

  it("has not begun when its time limit cannot be read", async () => {
    const place = await open();
    const act = counted();
    await place.add("a", (run) => run.step("pay", act, { ...once, timeout: "soon" }), { maxRetries: 0 });
    await place.work();
    await place.finish("a");
    expect((await place.task("a")).status).toBe("failed");
    expect(await place.steps("a")).toEqual([]);
  });
});

describe("retries", () => {
  it("come after a growing, jittered delay, as often as the task allows", async () => {
    const place = await open();
    const startedAt: number[] = [];
    await place.add("a", () => {
      startedAt.push(place.clock.now());
      throw new Error("no");
    });
    await place.work();
    await place.finish("a");
    const delays = startedAt.slice(1).map((at, index) => at - (startedAt[index] ?? 0));
    expect(delays).toHaveLength(3);
    for (const [index, full] of [1_000, 2_000, 4_000].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(full / 2);
      expect(delays[index]).toBeLessThanOrEqual(full);
    }
    expect(await place.task("a")).toMatchObject({ status: "failed", retryCount: 3 });
  });

  it("wait as long as a server asked for", async () => {
    const place = await open();
    const startedAt: number[] = [];
    await place.add("a", () => {
      startedAt.push(place.clock.now());
      if (startedAt.length > 1) return;
      throw new Error("busy", { cause: new RetryAfter("later", { delayMs: 90_000 }) });
    });
    await place.work();
    await place.finish("a");
    expect((startedAt[1] ?? 0) - (startedAt[0] ?? 0)).toBe(90_000);
  });

  it("do not come after NonRetryable", async () => {
    const place = await open();
    await place.add("a", () => {
      throw new NonRetryable("never");
    });
    await place.work();
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "failed", retryCount: 0 });
  });

  it("do not come after NonRetryable either when the process died before the failure of the task was recorded", async () => {
    const place = await open();
    const act = counted();
    await place.add("a", (run) =>
      run.step("give up", () => {
        act();
        throw new NonRetryable("never");
      }),
    );
    await place.work({ process: 1 });
    while (!place.calls.includes("record-step")) await new Promise((resolve) => setImmediate(resolve));
    place.kill(1);
    await place.settle();
    expect(await place.steps("a")).toMatchObject([{ status: "failed" }]);
    await place.work({ process: 2 });
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "failed", retryCount: 0 });
    expect(act.calls).toBe(1);
  });

  it("by a person begin with retries anew and keep what is recorded", async () => {
    const place = await open();
    const [kept, flaky] = [counted(), counted(1)];
    await place.add(
      "a",
      async (run) => {
        await run.step("kept", kept);
        await run.step("flaky", flaky);
      },
      { maxRetries: 0 },
    );
    await place.work();
    await place.finish("a");
    const { id: taskId } = await place.task("a");
    await place.store.execute(retryTask, { taskId });
    await place.finish("a");
    expect(await place.task("a")).toMatchObject({ status: "completed", retryCount: 0 });
    expect([kept.calls, flaky.calls]).toEqual([1, 2]);
  });
});

describe("what code throws or returns", () => {
  const hostile = Object.defineProperty(new Error("x"), "message", {
    get: () => {
      throw new Error("unreadable");
    },
  });

  it.each<[string, unknown, string]>([
    ["a text", "just text", "just text"],
    ["nothing", undefined, "undefined"],
    ["an object", { status: 500 }, '{"status":500}'],
    ["an object without a prototype", Object.create(null), "{}"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["an error whose message is no text", Object.assign(new Error("x"), { message: { a: 1 } }), "[object Object]"],
    ["an error that cannot be read", hostile, "the error cannot be read"],
  ])("fails the task, whatever it is: %s", async (_, thrown, message) => {
    const place = await open();
    await place.add(
      "a",
      () => {
        throw thrown;
      },
      { maxRetries: 0 },
    );
    await place.work();
    await place.finish("a");
    expect((await place.task("a")).lastError?.message).toBe(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "a cycle",
      () => {
        const a: { a?: unknown } = {};
        a.a = a;
        return a;
      },
      /result of task a cannot be stored as JSON/,
    ],
    ["a function", () => () => {}, /a function has no JSON form/],
    ["over 16 MiB", () => "x".repeat(17 << 20), /takes 17825794 bytes as JSON/],
  ])("fails the task at once when the result cannot be stored: %s", async (_, code, message) => {
    const place = await open();
    await place.add("a", code);
    await place.work();
    await place.finish("a");
    const task = await place.task("a");
    expect(task).toMatchObject({ status: "failed", retryCount: 0 });
    expect(task.lastError?.message).toMatch(message);
  });
});
