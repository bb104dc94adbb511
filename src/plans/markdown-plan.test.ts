import { describe, expect, test } from "vitest";
import { PerdureError } from "../base/errors.ts";
import type { PlanDraft } from "../domain/plan-draft.ts";
import type { PlanOrder } from "./markdown-order.ts";
import { readPlan } from "./read-plan.ts";

async function read(text: string, order: PlanOrder | null = null): Promise<PlanDraft> {
  return await readPlan({ path: "tasks.md", text, order });
}

/** Keys with what they need: `b < a`. */
async function needs(text: string, order: PlanOrder | null = null): Promise<readonly string[]> {
  const plan = await read(text, order);
  return plan.tasks
    .filter((task) => task.executor !== "group")
    .map((task) => `${task.key} < ${task.needs.join(" ")}`.trim());
}

async function errorOf(text: string): Promise<PerdureError> {
  const error = await read(text).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PerdureError) return error;
  throw new Error(`no PerdureError: ${String(error)}`);
}

describe("tasks and phases", () => {
  test("headings with boxes are phases, the one heading at the top is the name", async () => {
    const plan = await read("# Tasks: Ship\n\n## 1. Build\n\n### 1.1 Extras\n- [ ] Strip\n\n## Notes\nNo boxes.\n");
    expect(plan.name).toBe("Ship");
    expect(plan.tasks.map(({ key, parentKey, executor, status }) => [key, parentKey, executor, status])).toEqual([
      ["1", null, "group", "pending"],
      ["1.1", "1", "group", "pending"],
      ["1.1.1", "1.1", null, "pending"],
    ]);
  });

  test("nested boxes are children, plain items between them are not", async () => {
    const plan = await read("- [ ] A\n  - note\n    - [ ] A1\n\t- [ ] A2\n- B\n  - [ ] B1\n\nText.\n\n  - [ ] C\n");
    expect(plan.tasks.map(({ key, parentKey, executor }) => [key, parentKey, executor])).toEqual([
      ["a", null, "group"],
      ["a1", "a", null],
      ["a2", "a", null],
      ["b1", null, null],
      ["c", null, null],
    ]);
  });

  test.each(["- [ ] a", "* [ ] a", "+ [ ] a", "1. [ ] a", "2) [X] a", "   - [x] a", "-   [ ]   a"])(
    "%j is a task",
    async (text) => {
      expect((await read(text)).tasks.map((task) => task.key)).toEqual(["a"]);
    },
  );

  test("boxes in fences, comments, quotes and front matter are no tasks", async () => {
    const plan = await read(
      "---\nx: |\n  - [ ] no\n---\n- [ ] yes\n\n```\n- [ ] no\n```\n~~~~md\n- [ ] no\n~~~\n- [ ] no\n~~~~\n<!-- - [ ] no\n- [ ] no\n-->\n> - [ ] quoted\n\n- [P] no\n- [ ]no\n- [] no\n",
    );
    expect(plan.tasks.map((task) => task.key)).toEqual(["yes"]);
    expect(plan.notices.map((notice) => notice.message)).toContain("1 check boxes in quotes are left out");
  });

  test("a comment in a code span is text", async () => {
    const plan = await read("- [ ] Explain `<!-- depends: 9.9 -->` and `{after=9}`\n- [ ] Next\n");
    expect(plan.tasks[0]?.title).toBe("Explain `<!-- depends: 9.9 -->` and `{after=9}`");
  });

  test("a shell block under a box is its command, a script block its code, another a part of its description", async () => {
    const plan = await read(
      "- [ ] A\n  ```sh\n  npm ci\n    indented\n  ```\n- [ ] B\n```bash\nls\n```\n- [ ] C\n\n  Some words.\n\n  ```ts\n  return 1;\n  ```\n- [ ] D\n  ```json\n  {}\n  ```\n\n```sh\nrm -rf example\n```\n",
    );
    expect(plan.tasks.map(({ executor, input, description }) => [executor, input, description])).toEqual([
      ["command", { run: "npm ci\n  indented" }, null],
      ["command", { run: "ls" }, null],
      ["code", { code: "return 1;", language: "ts" }, "Some words."],
      [null, null, "```json\n{}\n```"],
    ]);
  });

  test("text under a heading or box is its description", async () => {
    const plan = await read("## Phase 1: One\n\n**Goal**: win\n\n---\n\n- [ ] A\n  - why\n  more\n\nAfter.\n");
    expect(plan.tasks.map((task) => task.description)).toEqual(["**Goal**: win\n\nAfter.", "- why\nmore"]);
  });

  test("U+2028 in a title does not hide the box", async () => {
    expect((await read("- [ ] a\u2028b\n")).tasks).toHaveLength(1);
  });
});

describe("keys", () => {
  test("are the id in front, else a slug; the second of two equal ones gets -2", async () => {
    const plan = await read(
      "- [ ] 1.2.3 Dotted\n- [ ] 4. Numbered\n- [ ] T012 Spec\n- [ ] **2.1** Bold\n- [ ] Same `thing`!\n- [x] Same thing\n- [ ] Größe ändern 日本\n- [ ] 🎉\n",
    );
    expect(plan.tasks.map((task) => task.key)).toEqual([
      "1.2.3",
      "4",
      "T012",
      "2.1",
      "same-thing",
      "same-thing-2",
      "größe-ändern-日本",
      "task",
    ]);
    expect(plan.tasks.map((task) => task.title).slice(0, 4)).toEqual(["Dotted", "Numbered", "Spec", "Bold"]);
  });

  test("do not change by ticking, with or without a sign of it", async () => {
    const open = await read("## 1. One\n- [ ] A thing\n- [ ] B\n");
    const ticked = await read("## 1. One ✅\n- [x] A thing ✅ 2026-01-17\n- [X] B ✅\n");
    expect(ticked.tasks.map(({ key, title }) => [key, title])).toEqual(
      open.tasks.map(({ key, title }) => [key, title]),
    );
    expect(ticked.tasks[1]?.completedAt).toBe(Date.UTC(2026, 0, 17));
  });

  test("placeholders come again, ids do not", async () => {
    expect((await read("- [ ] TXXX a\n- [ ] TXXX b\n")).tasks.map((task) => task.key)).toEqual(["TXXX", "TXXX-2"]);
    expect((await errorOf("- [ ] 1.1 a\n- [ ] 1.1 b\n")).message).toContain(
      'tasks.md:2:7: a second task has the id "1.1"',
    );
  });

  test("can be said in a comment or in braces", async () => {
    const plan = await read("- [ ] Build it <!-- id: build -->\n- [ ] Test it {id=test after=build priority=8}\n");
    expect(plan.tasks.map(({ key, title, needs: of, priority }) => [key, title, of, priority])).toEqual([
      ["build", "Build it", [], 5],
      ["test", "Test it", ["build"], 8],
    ]);
  });
});

describe("order", () => {
  test("is one after the other, across headings", async () => {
    expect(await needs("## A\n- [ ] a\n- [ ] b\n## B\n- [ ] c\n")).toEqual(["a <", "b < a", "c < b"]);
  });

  test("phases: free inside, one phase after the other", async () => {
    expect(await needs("- [ ] x\n- [ ] y\n## A\n- [ ] a1\n- [ ] a2\n## B\n- [ ] b1\n", "phases")).toEqual([
      "x <",
      "y <",
      "a1 < x y",
      "a2 < x y",
      "b1 < a",
    ]);
    const plan = await read("## Phase 1: A\n- [ ] a\n- [ ] b\n## Phase 2: B\n- [ ] c\n- [ ] d\n", "phases");
    expect(plan.tasks.map((task) => task.needs)).toEqual([[], [], [], [], ["phase-1"], ["phase-1"]]);
  });

  test("free: only what is said", async () => {
    expect(await needs("- [ ] a\n- [ ] b {after=a}\n- [ ] c\n", "free")).toEqual(["a <", "b < a", "c <"]);
    expect(await needs("<!-- order: free -->\n- [ ] a\n- [ ] b\n")).toEqual(["a <", "b <"]);
  });

  test("[P] boxes wait for the same thing, and the next for all of them", async () => {
    expect(await needs("- [ ] a\n- [ ] [P] b\n- [ ] [P] c\n- [ ] d\n- [ ] [P] e\n")).toEqual([
      "a <",
      "b < a",
      "c < a",
      "d < b c",
      "e < d",
    ]);
  });

  test("a task that says what it needs needs just that, and the next still follows it", async () => {
    expect(
      await needs(
        "- [ ] 1.1 a\n- [ ] 1.2 b\n- [ ] 1.3 c <!-- depends: 1.1 -->\n- [ ] 1.4 d\n- [ ] 1.5 e <!-- depends: none -->\n",
      ),
    ).toEqual(["1.1 <", "1.2 < 1.1", "1.3 < 1.1", "1.4 < 1.3", "1.5 <"]);
  });

  test("spec-kit: phases are barriers, for those that say what they need too", async () => {
    expect(
      await needs(
        "## Phase 1: A\n- [ ] T001 a\n## Phase 2: B\n- [ ] T002 b\n- [ ] T003 [P] c\n- [ ] T004 d (depends on T002, T003)\n",
      ),
    ).toEqual(["T001 <", "T002 < phase-1", "T003 < T002", "T004 < T002 T003 phase-1"]);
  });

  test("children come one after the other, their parent after them", async () => {
    const plan = await read("- [ ] a\n- [ ] p\n  - [ ] c1\n  - [ ] c2\n- [ ] z\n");
    expect(plan.tasks.map(({ key, needs: of }) => [key, of])).toEqual([
      ["a", []],
      ["p", ["a"]],
      ["c1", ["a"]],
      ["c2", ["c1"]],
      ["z", ["p"]],
    ]);
  });

  test("what a box says holds for the boxes in it", async () => {
    const plan = await read("- [ ] a\n- [ ] b\n- [ ] p {after=a}\n  - [ ] c1\n  - [ ] c2 {after=c1}\n");
    expect(plan.tasks.slice(2).map(({ needs: of }) => of)).toEqual([["a"], ["a"], ["c1", "a"]]);
  });

  test("what is said comes before what follows from the place", async () => {
    const plan = await read("- [ ] 1.1 a <!-- depends: 2.1 -->\n- [ ] 1.2 b\n- [ ] 2.1 c\n");
    expect(plan.tasks.map(({ key, needs: of }) => [key, of])).toEqual([
      ["1.1", ["2.1"]],
      ["1.2", ["1.1"]],
      ["2.1", []],
    ]);
    expect(plan.notices.map((notice) => notice.message)).toEqual([
      '"2.1" does not wait for "1.2" above it, because something above needs it first',
    ]);
  });

  test("dependencies are read from every spelling", async () => {
    const text =
      "- [ ] T001 a\n- [ ] T002 b\n- [ ] T003 c\n- [ ] T004 d (depends on T001-T003)\n- [ ] T005 e (Depends on: t001 and T002)\n- [ ] T006 f\n  <!-- depends: T001\n  T002 -->\n- [ ] T007 g (depends on the weather)\n";
    const plan = await read(text);
    expect(plan.tasks.slice(3).map(({ title, needs: of }) => [title, of])).toEqual([
      ["d", ["T001", "T002", "T003"]],
      ["e", ["T001", "T002"]],
      ["f", ["T001"]],
      ["g (depends on the weather)", ["T006"]],
    ]);
  });
});

describe("errors and notices", () => {
  test.each([
    ["# Nothing\n", "tasks.md:1:1: the file has no check boxes"],
    ["", "tasks.md:1:1: the file has no check boxes"],
    [
      "- [ ] 1.1 a\n- [ ] 1.2 b <!-- depends: 1.3 -->\n",
      'tasks.md:2:17: "1.2" needs "1.3", which is no task of this plan; did you mean "1.1"?',
    ],
    [
      "- [ ] T001 a (depends on T002)\n- [ ] T002 b (depends on T001)\n",
      "tasks wait for each other in a circle: T001 → T002 → T001",
    ],
    ["- [ ] a {priority=11}\n", "tasks.md:1:9: priority must be a whole number from 1 to 10"],
    ["- [ ] a {after=a2 prio=1}\n", 'unknown attribute "prio"'],
    ["- [ ] a\n  ```sh\n  ls\n  ```\n  ```js\n  1\n  ```\n", "tasks.md:5:1: a task does one thing"],
  ])("%j", async (text, message) => {
    const error = await errorOf(text);
    expect(error.code).toBe("invalid-plan");
    expect(error.message).toContain(message);
  });

  test("unknown boxes, wrong counts and ticked parents are told", async () => {
    const plan = await read("**Total Tasks**: 9\n\n## A (2 tasks)\n- [~] a\n- [x] b\n  - [ ] c\n");
    expect(plan.notices.map((notice) => [notice.source?.line, notice.message])).toEqual([
      [1, "the file says it has 9 tasks; it has 3 check boxes"],
      [3, '"A (2 tasks)" says 2 tasks; it holds 3 check boxes'],
      [4, '"a" has the box [~], which is read as not done'],
      [5, '"b" is ticked, and 1 of the boxes in it are not'],
    ]);
  });

  test.each(["\r\n", "\r"])("line endings of %j make no difference", async (ending) => {
    const text = "# P\n## 1. A\n- [x] a <!-- depends: none -->\n- [ ] b\n  more\n";
    expect(await read(text.replaceAll("\n", ending))).toEqual(await read(text));
  });

  test.each([
    ["boxes", "- [ ] a\n".repeat(50_000)],
    ["spaces", `- [ ] ${" ".repeat(1_000_000)}x\n`],
    ["heading", `# ${" #".repeat(500_000)}\n- [ ] a\n`],
    ["comments", `- [ ] a ${"<!-- ".repeat(200_000)}\n`],
    ["back ticks", `- [ ] ${"`a``b```".repeat(100_000)} <!-- x -->\n`],
    ["nesting", Array.from({ length: 3_900 }, (_, i) => `${"\t".repeat(i)}- [ ] a\n`).join("")],
    ["indented fence", `- [ ] a\n${" ".repeat(500_000)}\`\`\`sh\n${" ".repeat(500_000)}x\n`],
  ])("a hostile file of %s is read or refused in time", async (_name, text) => {
    const startedAt = performance.now();
    const error = await read(text).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error === null || error instanceof PerdureError).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(8_000);
  });
});
