import { describe, expect, test } from "vitest";

import { blankTask, TASK_DEFAULTS } from "../plans/task-defaults.ts";
import { orderPlan } from "./plan-order.ts";

function task(
  key: string,
  said: { needs?: string[]; parentKey?: string; executor?: string; status?: "completed" } = {},
) {
  return { ...blankTask(key, key, TASK_DEFAULTS), executor: "command", ...said };
}

describe("orderPlan", () => {
  test("puts each task one wave after the last it needs", () => {
    const tasks = [task("c", { needs: ["a", "b"] }), task("a"), task("b", { needs: ["a"] }), task("x")];
    expect(orderPlan(tasks).waves).toEqual([["a", "x"], ["b"], ["c"]]);
  });

  test("puts a group in the wave of its last part, and what needs it behind that", () => {
    const tasks = [
      task("phase", { executor: "group" }),
      task("one", { parentKey: "phase" }),
      task("two", { parentKey: "phase", needs: ["one"] }),
      task("next", { needs: ["phase"] }),
    ];
    const { waves, levelOf } = orderPlan(tasks);
    expect(waves).toEqual([["one"], ["two"], ["next"]]);
    expect(levelOf.get("phase")).toBe(1);
  });

  test("leaves out what is done", () => {
    const { waves, levelOf } = orderPlan([task("a", { status: "completed" }), task("b", { needs: ["a"] })]);
    expect(waves).toEqual([["b"]]);
    expect(levelOf.get("a")).toBeNull();
  });
});
