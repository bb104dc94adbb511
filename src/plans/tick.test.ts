import { describe, expect, test } from "vitest";
import { tickBoxes } from "./tick.ts";

const TEXT =
  "\uFEFF# P\r\n\r\n## 1. A ✅\r\n- [x] One <!-- depends: none -->\r\n\t* [ ]  Two\r\n```\r\n- [ ] not me\r\n```\r\n- [X] T012 Three\n- [ ] four";

describe("tickBoxes", () => {
  test("changes the box and nothing else", () => {
    const ticked = tickBoxes(TEXT, [
      { key: "1.1", done: false },
      { key: "two", done: true },
      { key: "T012", done: true },
      { key: "1.3", done: true, line: 999 },
    ]);
    expect(ticked.text).toBe(
      TEXT.replace("- [x] One", "- [ ] One").replace("* [ ]  Two", "* [x]  Two").replace("- [ ] four", "- [x] four"),
    );
    expect(ticked).toMatchObject({ changed: 3, missing: [] });
  });

  test("finds boxes again after lines moved", () => {
    const moved = `Intro.\n\n- [ ] 0.1 New\n- [ ] 1.2 b\n- [ ] 1.1 a\n`;
    expect(tickBoxes(moved, [{ key: "1.1", done: true, line: 1 }]).text).toBe(moved.replace("[ ] 1.1", "[x] 1.1"));
  });

  test("names keys that have no box", () => {
    expect(
      tickBoxes(TEXT, [
        { key: "1", done: true },
        { key: "gone", done: true },
      ]),
    ).toEqual({ text: TEXT, changed: 0, missing: ["1", "gone"] });
  });

  test("leaves a box of another mark alone unless it is to be ticked", () => {
    expect(tickBoxes("- [~] a\n", [{ key: "a", done: false }]).changed).toBe(0);
    expect(tickBoxes("- [~] a\n", [{ key: "a", done: true }]).text).toBe("- [x] a\n");
  });
});

describe("tickBoxes of a Backlog.md task", () => {
  const task = (status: string): string =>
    `---\r\nid: BACK-7\r\ntitle: status here\r\n${status}\r\nlabels: []\r\n---\r\n\r\nstatus: body\r\n- [ ] #1 criterion`;

  test.each([
    ["status: To Do", { done: true }, "status: Done"],
    ["status: 'In Progress'  # now", { done: true }, "status: 'Done'  # now"],
    ['status: "Done"', { done: false }, 'status: "To Do"'],
    ["status: To Do", { done: false, isInProgress: true }, "status: In Progress"],
    ["status: Review", { done: false }, "status: Review"],
    ["status: Done", { done: true }, "status: Done"],
  ])("%s with %j becomes %s", (before, update, after) => {
    const ticked = tickBoxes(task(before), [{ key: "back-7", ...update }]);
    expect(ticked).toEqual({ text: task(after), changed: before === after ? 0 : 1, missing: [] });
  });

  test("names other tasks as missing", () => {
    expect(tickBoxes(task("status: To Do"), [{ key: "BACK-8", done: true }])).toMatchObject({
      changed: 0,
      missing: ["BACK-8"],
    });
  });
});
