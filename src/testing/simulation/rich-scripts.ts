/** Scripts that use every feature at least once, small enough that a crash at each of their store calls can be tried. */

import type { Op, Script, ScriptedChild, ScriptedTask } from "./script.ts";

export function aScriptedTask(sketch: Partial<ScriptedTask> & { readonly title: string }): ScriptedTask {
  return {
    ops: [],
    maxRetries: 3,
    needs: [],
    parent: null,
    isGroup: false,
    priority: 5,
    policy: "block",
    schedule: null,
    overlap: "skip",
    limitKey: null,
    ...sketch,
  };
}

type StepOp = Extract<Op, { op: "step" }>;

export function aStep(name: string, sketch: Partial<StepOp> = {}): StepOp {
  return { op: "step", name, failures: 0, ms: 0, effect: "repeatable", hasVerify: false, ...sketch };
}

function aChild(title: string, ops: readonly Op[], maxRetries = 3): ScriptedChild {
  return { title, ops, maxRetries };
}

function aScript(tasks: readonly ScriptedTask[], sketch: Partial<Script> = {}): Script {
  return { tasks, deeds: [], workers: 1, concurrency: 2, ...sketch };
}

const once = { effect: "once" } as const;
const verified = { effect: "once", hasVerify: true } as const;

export const RICH_SCRIPTS: Readonly<Record<string, Script>> = {
  "steps, retries, once-effects and dependencies": aScript([
    aScriptedTask({
      title: "fetch",
      ops: [aStep("read"), aStep("read"), aStep("flaky", { failures: 2 }), aStep("pay", once), aStep("mail", verified)],
    }),
    aScriptedTask({
      title: "tidy",
      needs: ["fetch"],
      ops: [
        { op: "caught", name: "optional" },
        { op: "progress", percent: 40 },
        aStep("sweep", { ms: 40 }),
        { op: "cleanedUp", name: "polish", failures: 1 },
        { op: "log", message: "tidied" },
      ],
    }),
    aScriptedTask({ title: "report", needs: ["fetch", "tidy"], priority: 9, ops: [aStep("write")] }),
  ]),
  "tasks that run one at a time": aScript([
    aScriptedTask({ title: "one", limitKey: "k", ops: [aStep("a", { ms: 30 }), { op: "sleep", ms: 400 }, aStep("b")] }),
    aScriptedTask({
      title: "two",
      limitKey: "k",
      priority: 7,
      ops: [aStep("c", { failures: 1, ms: 20 }), aStep("pay", once)],
    }),
    aScriptedTask({ title: "three", limitKey: "k", ops: [{ op: "signal", name: "go" }, aStep("d", { ms: 10 })] }),
    aScriptedTask({ title: "beside", ops: [aStep("e", { ms: 15 })] }),
  ]),
  "sleeps, signals, approvals and limits": aScript([
    aScriptedTask({
      title: "wait",
      ops: [
        aStep("before"),
        { op: "sleep", ms: 300 },
        { op: "sleep", ms: 2_000 },
        { op: "signal", name: "go" },
        { op: "silence", name: "never", ms: 1_500 },
        { op: "approval", question: "Go on?" },
        aStep("after", once),
      ],
    }),
    aScriptedTask({ title: "slow", ops: [{ op: "slow", name: "crawl", failures: 1 }, aStep("then")] }),
    aScriptedTask({ title: "late", ops: [aStep("first"), { op: "overtime", name: "linger", failures: 1 }] }),
  ]),
  "children and parallel steps": aScript([
    aScriptedTask({
      title: "lead",
      ops: [
        aStep("plan"),
        {
          op: "children",
          together: true,
          children: [
            aChild("left", [aStep("dig", { failures: 1 }), { op: "sleep", ms: 1_200 }]),
            aChild("right", [aStep("fill", once)]),
          ],
        },
        {
          op: "parallel",
          branches: [
            [aStep("a1", { ms: 20 }), aStep("a2", verified)],
            [{ op: "sleep", ms: 1_500 }, aStep("b1")],
            [aStep("c1", { ms: 60, failures: 1 })],
          ],
        },
        { op: "children", together: false, children: [aChild("weak", [aStep("try", { failures: 1 })], 0)] },
        aStep("end"),
      ],
    }),
  ]),
  "groups, failures and what they do to others": aScript([
    aScriptedTask({ title: "phase", isGroup: true }),
    aScriptedTask({ title: "one", parent: "phase", ops: [aStep("x")] }),
    aScriptedTask({ title: "two", parent: "phase", needs: ["one"], ops: [aStep("y", { failures: 1 })] }),
    aScriptedTask({ title: "next", needs: ["phase"], ops: [aStep("z")] }),
    aScriptedTask({ title: "doomed", ops: [aStep("start"), { op: "giveUp" }] }),
    aScriptedTask({ title: "blocked", needs: ["doomed"], ops: [aStep("no")] }),
    aScriptedTask({ title: "dropped", needs: ["doomed"], policy: "cancel", ops: [aStep("no")] }),
    aScriptedTask({ title: "anyway", needs: ["doomed", "dropped"], policy: "run", ops: [aStep("yes")] }),
  ]),
  "interrupts, cancellation and a schedule": aScript(
    [
      aScriptedTask({
        title: "long",
        ops: [aStep("s1", { ms: 400 }), aStep("s2", { ms: 400, ...once }), { op: "sleep", ms: 1_500 }, aStep("s3")],
      }),
      aScriptedTask({ title: "unwanted", ops: [aStep("u1", { ms: 900 }), aStep("u2", { ms: 900 })] }),
      aScriptedTask({ title: "tick", schedule: { type: "every", intervalMs: 1_000 }, ops: [aStep("tock", once)] }),
    ],
    {
      deeds: [
        { deed: "interrupt", atMs: 200, resumeAfterMs: 700 },
        { deed: "interrupt", atMs: 1_300, resumeAfterMs: 700 },
        { deed: "cancel", atMs: 1_000, title: "unwanted" },
      ],
      concurrency: 3,
    },
  ),
  "three workers": aScript(
    [
      aScriptedTask({ title: "a", ops: [aStep("a1", { ms: 30 }), aStep("a2", once)] }),
      aScriptedTask({ title: "b", ops: [aStep("b1", { ms: 30, failures: 1 }), { op: "sleep", ms: 1_100 }] }),
      aScriptedTask({ title: "c", needs: ["a"], ops: [{ op: "signal", name: "go" }, aStep("c1", verified)] }),
      aScriptedTask({
        title: "d",
        ops: [
          { op: "children", together: true, children: [aChild("d1", [aStep("dd", { ms: 50 })]), aChild("d2", [])] },
        ],
      }),
    ],
    { workers: 3, concurrency: 1 },
  ),
};
