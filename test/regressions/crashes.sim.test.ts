/** What simulated crashes have brought to light once, kept as scripts. */

import { test } from "vitest";

import { crashScriptAtRandom, createTally } from "../../src/testing/simulation/crash-plan.ts";
import { aScriptedTask, aStep } from "../../src/testing/simulation/rich-scripts.ts";
import type { Script, ScriptedTask } from "../../src/testing/simulation/script.ts";

function aScript(tasks: readonly ScriptedTask[], concurrency: number): Script {
  return { tasks, deeds: [], workers: 1, concurrency };
}

test("a failure beside other steps is tried again, although a step with an unknown outcome was asked for after it", async () => {
  const once = aStep("once", { failures: 2, ms: 209, effect: "once" });
  const script = aScript(
    [
      aScriptedTask({
        title: "t0",
        ops: [
          aStep("first"),
          {
            op: "parallel",
            branches: [
              [
                {
                  op: "parallel",
                  branches: [
                    [{ op: "sleep", ms: 50 }],
                    [aStep("one"), aStep("two"), once],
                    [aStep("flaky", { failures: 2, ms: 32 })],
                  ],
                },
                { op: "sleep", ms: 1_500 },
              ],
              [{ op: "log", message: "said" }, aStep("last")],
            ],
          },
        ],
      }),
    ],
    2,
  );
  await crashScriptAtRandom(script, { seed: 35, runs: 40, tally: createTally() });
});

test("a recurring task keeps its place until its next occurrence is recorded", async () => {
  const schedule = { type: "every", intervalMs: 1_000 } as const;
  const script = aScript(
    [
      aScriptedTask({ title: "often", schedule, ops: [aStep("tick", { ms: 116 })] }),
      aScriptedTask({ title: "once", ops: [aStep("a"), { op: "sleep", ms: 1_500 }, aStep("b", { failures: 2 })] }),
    ],
    1,
  );
  await crashScriptAtRandom(script, { seed: 36, runs: 10, tally: createTally() });
});
