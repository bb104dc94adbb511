import { describe, expect, test } from "vitest";

import { plainPaint } from "../terminal/ansi.ts";
import { progressBar } from "../terminal/progress-bar.ts";
import { displayWidth } from "../terminal/width.ts";
import type { StatusData } from "../text/status-text.ts";
import { statusText } from "../text/status-text.ts";
import { createEventLines } from "./event-lines.ts";
import { workFrame } from "./work-frame.ts";
import { workSummary } from "./work-summary.ts";

const NOW = Date.parse("2026-11-21T10:00:00Z");

const line = (key: string, title: string) => ({
  taskId: `${key}-00000000`,
  key,
  title,
  executor: "command",
  priority: 5,
  runAt: "2026-11-21T09:00:00.000Z",
});

const LONG_TITLE = "A title that goes on and on, much longer than anybody would ever read on a terminal ".repeat(3);

function aStatus(change: Partial<StatusData> = {}): StatusData {
  return {
    session: { id: "41abf8dc-0000", name: "Publish", status: "active" },
    counts: { pending: 3, blocked: 2, in_progress: 2, completed: 4, failed: 1, cancelled: 1, total: 13 },
    progress: {
      percent: 37.5,
      currentStep: 4,
      totalSteps: 12,
      milestones: [],
      estimatedCompletion: "2026-11-21T10:03:00.000Z",
      timeElapsed: 123_000,
      message: null,
      lastUpdated: null,
    },
    running: [
      {
        ...line("test", "Run the tests"),
        executionId: "e1",
        attempt: 2,
        startedAt: "2026-11-21T09:59:48.000Z",
        step: "npm test",
        percent: 60,
        stopped: null,
        message: "suite 3 of 5",
      },
      {
        ...line("docs", "文書\u001b[31m"),
        executionId: "e2",
        attempt: 1,
        startedAt: "2026-11-21T09:59:59.000Z",
        step: null,
        percent: 0,
        stopped: null,
        message: null,
      },
    ],
    next: [{ ...line("ship", "ship"), heldBack: null }],
    blocked: [],
    failed: [],
    ...change,
  };
}

const view = { paint: plainPaint, width: 80, height: 24, now: NOW, turn: 1, note: null };

describe("workFrame", () => {
  test("shows a bar for the whole and a line for each task that runs", () => {
    expect(workFrame(aStatus(), { ...view, width: 120 })).toEqual([
      "███████▌░░░░░░░░░░░░ 37.5%  4 of 12 done · about 3m 00s left · 2m 03s elapsed · 2 running · 1 failed · 2 blocked · 3 pe…",
      "  ⠙ test  Run the tests ██████░░░░ 60%  12s · attempt 2 · npm test · suite 3 of 5",
      "  ⠙ docs  文書  1s",
    ]);
  });

  test("keeps the bar, the percentage and the time in sight however long a title is", () => {
    const [running] = aStatus().running;
    if (running === undefined) throw new Error("nothing runs");
    const long = { ...running, title: LONG_TITLE, percent: 50, step: null, message: null };
    const frame = workFrame(aStatus({ running: [long] }), { ...view, width: 60 });
    expect(frame[1]).toContain("…");
    expect(frame[1]).toContain(progressBar(50, 10));
    expect(frame[1]).toMatch(/ 50% {2}\d+s?/);
    expect(displayWidth(frame[1] ?? "")).toBeLessThanOrEqual(60);
  });

  test("never is wider than the terminal", () => {
    for (const width of [10, 40, 80]) {
      const frame = workFrame(aStatus(), { ...view, width });
      expect(frame.filter((text) => displayWidth(text) > width)).toEqual([]);
    }
  });

  test("never is higher than the terminal, and says how many more there are", () => {
    const [task] = aStatus().running;
    const running = task === undefined ? [] : Array.from({ length: 30 }, () => task);
    const frame = workFrame(aStatus({ running }), { ...view, height: 8, note: "stopping" });
    expect(frame).toHaveLength(8);
    expect(frame.at(-2)).toBe("  … and 25 more running");
    expect(frame.at(-1)).toBe("stopping");
  });
});

describe("progressBar", () => {
  test.each([
    [0, "░░░░"],
    [3.2, "▏░░░"],
    [50, "██░░"],
    [99.9, "███▉"],
    [100, "████"],
    [250, "████"],
    [-1, "░░░░"],
  ])("at %d %%", (percent, bar) => {
    expect(progressBar(percent, 4)).toBe(bar);
  });
});

describe("statusText", () => {
  test("tells what runs, what is blocked and how to go on, what failed, what is next", () => {
    const blocked = [
      { ...line("deploy", "Deploy it"), reason: "unknown_outcome" as const, note: "step upload" },
      { ...line("after", "after"), reason: "dependencies" as const, note: null },
    ];
    const failed = [{ ...line("lint", "lint"), error: "exit code 1\nmore" }];
    expect(statusText(aStatus({ blocked, failed }), { paint: plainPaint, width: null, now: NOW })).toBe(
      [
        "Publish  active  41abf8dc",
        "█████████░░░░░░░░░░░░░░░ 37.5%  4 of 12 done · about 3m 00s left · 2m 03s elapsed · 2 running · 1 failed · 2 blocked · 3 pending · 1 cancelled",
        "",
        "Running",
        "  test  Run the tests  12s · 60% · attempt 2 · npm test · suite 3 of 5",
        "  docs  文書           1s",
        "",
        "Blocked",
        "  deploy  Deploy it                        unknown outcome: step upload  → perdure task resolve deploy --done|--retry|--skip",
        "  1       waiting for what they depend on",
        "",
        "Failed",
        "  lint    exit code 1",
        "",
        "Next",
        "  ship",
        "  …     and 2 more",
      ].join("\n"),
    );
  });
});

describe("workSummary", () => {
  const session = { id: "41abf8dc-0000", planFile: "plan file.yaml" };
  const textView = { paint: plainPaint, width: null, now: NOW };

  test("tells what failed, and that the same plan tries it again", () => {
    const status = aStatus({ failed: [{ ...line("build", "Build it"), error: "exit code 2" }], next: [], blocked: [] });
    expect(workSummary({ end: "failed", session, status }, textView).split("\n")).toEqual([
      "failed: Publish (41abf8dc): 4 of 12 tasks completed, 1 failed, 2 blocked, 3 pending, 1 cancelled in 2m 03s",
      "  failed   build  Build it: exit code 2",
      "           see `perdure task show build`",
      "  2 more wait for these",
      "Once it is mended, `perdure run 'plan file.yaml'` tries what failed again; nothing that completed is repeated.",
    ]);
  });

  test("names the command that unblocks", () => {
    const blocked = [{ ...line("ask", "Ask"), reason: "waiting" as const, note: "Publish it?" }];
    const next = [{ ...line("read", "Read it"), executor: "manual", heldBack: null }];
    const text = workSummary({ end: "blocked", session, status: aStatus({ blocked, next }) }, textView);
    expect(text).toContain("blocked  ask  Ask: waiting: Publish it?\n           go on with `perdure task show ask`");
    expect(text).toContain("to do    read  Read it\n           then `perdure task done read --evidence TEXT`");
  });

  test("says how an interrupted session goes on", () => {
    const text = workSummary({ end: "interrupted", session, status: aStatus() }, textView);
    expect(text.split("\n").slice(1)).toEqual(["`perdure resume` continues."]);
  });
});

describe("event lines", () => {
  const task = { taskId: "t1", key: "build", title: "Build \u001b[31mit", executionId: "e1" };
  const lineOf = (...events: Parameters<ReturnType<typeof createEventLines>["lineOf"]>[0][]): readonly string[] => {
    const lines = createEventLines();
    return events.map((event, at) => lines.lineOf(event, { paint: plainPaint, now: NOW + at * 1_500 }));
  };

  test("tell what began and how it ended, with what it took", () => {
    expect(
      lineOf(
        { type: "task_started", ...task, attempt: 2, resumed: true },
        { type: "task_ended", ...task, outcome: "failed", error: "exit code 3: oops\nat line 4" },
      ),
    ).toEqual(["resumed     build  Build it (attempt 2)", "failed      build  Build it (1.5s): exit code 3: oops"]);
  });

  test("tell at the start what was done already and what is left", () => {
    const counts = { pending: 2, blocked: 1, in_progress: 0, completed: 5, failed: 0, cancelled: 1 };
    expect(
      lineOf({
        type: "session_opened",
        sessionId: "41abf8dc-0",
        name: "Publish",
        continued: 1,
        retried: 2,
        counts,
        percent: 62.5,
      }),
    ).toEqual([
      "Publish (41abf8dc): 5 of 8 tasks already done (62.5%), 3 left, 1 going on where interrupted, 2 tried again",
    ]);
  });
});
