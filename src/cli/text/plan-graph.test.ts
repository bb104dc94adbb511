import { describe, expect, test } from "vitest";

import { planGraph } from "./plan-graph.ts";

const task = (
  key: string,
  needs: readonly string[],
  level: number | null,
  parent: string | null = null,
  title = key,
) => ({
  key,
  title,
  needs,
  parent,
  level,
});

const TASKS = [
  task("build", [], 0, null, "Build it"),
  task("test", ["build"], 1),
  task("notes", ["build"], 1),
  task("ship", ["test", "notes", "extra"], 2),
  task("extra", [], null),
];

describe("planGraph", () => {
  test("draws each task once, below the last of what it waits for", () => {
    expect(planGraph(TASKS, "tree")).toBe(
      ["build  Build it", "├─ test", "│  └─ ship  (also after notes, extra)", "└─ notes", "extra  ✓"].join("\n"),
    );
  });

  test("puts what is part of a group below it", () => {
    expect(planGraph([task("phase", [], 1), task("a", [], 0, "phase"), task("b", ["a"], 1, "phase")], "tree")).toBe(
      ["phase", "└─ a", "   └─ b"].join("\n"),
    );
  });

  test("writes Mermaid and Graphviz", () => {
    const tasks = [task("a", [], 0, null, 'say "hi"'), task("b", ["a"], 1)];
    expect(planGraph(tasks, "mermaid")).toBe(
      ["graph TD", '  t1["a  say #quot;hi#quot;"]', '  t2["b"]', "  t1 --> t2"].join("\n"),
    );
    expect(planGraph(tasks, "dot")).toBe(
      [
        "digraph plan {",
        "  node [shape=box];",
        '  t1 [label="a  say \\"hi\\""];',
        '  t2 [label="b"];',
        "  t1 -> t2;",
        "}",
      ].join("\n"),
    );
  });
});
