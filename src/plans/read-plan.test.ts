import { describe, expect, test } from "vitest";
import { PerdureError } from "../base/errors.ts";
import { LIMITS } from "../domain/limits.ts";
import { nameFromPath } from "./plan-name.ts";
import { detectPlanFormat } from "./plan-format.ts";
import { readPlan, readPlanFolder } from "./read-plan.ts";

async function errorOf(reading: Promise<unknown>): Promise<PerdureError> {
  const error = await reading.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PerdureError) return error;
  throw new Error(`no PerdureError: ${String(error)}`);
}

describe("detectPlanFormat", () => {
  test.each([
    ["plan.yaml", "tasks: []", "yaml"],
    ["plan.yml", "", "yaml"],
    ["tasks.md", "- [ ] a", "markdown"],
    ["t.md", "---\ntitle: a\n---\n- [ ] a", "markdown"],
    ["t.md", "---\nid: BACK-1\ntitle: a\nstatus: To Do\n---\n", "backlog"],
    ["t.md", "---\r\nid: BACK-1\r\nstatus: To Do\r\n---\r\n", "backlog"],
    ["plan.json", '{"tasks":[{"id":"a","run":"ls"}]}', "json"],
    ["tasks.json", '{"tasks":[{"id":1,"title":"a","dependencies":[]}]}', "task-master"],
    ["tasks.json", '{"master":{"tasks":[]}}', "task-master"],
    ["1.json", '{"id":"1","subject":"a","status":"pending"}', "claude-code"],
    ["tasks.json", '[{"id":"1","subject":"a"}]', "claude-code"],
    ["issues.jsonl", '{"id":"bd-1"}', "beads"],
    ["broken.json", "{", "json"],
    ["-", "# Plan\n- [ ] a", "markdown"],
    ["-", '{"tasks":[]}', "json"],
    ["-", '{"id":"a"}\n{"id":"b"}\n', "beads"],
    ["-", "tasks:\n  - id: a", "yaml"],
  ])("%s with %j is %s", (path, text, format) => {
    expect(detectPlanFormat({ path, text })).toBe(format);
  });
});

describe("readPlan", () => {
  test("names the first byte of a character that does not go on as it began", async () => {
    const bytes = Buffer.from([0x2d, 0x20, 0x5b, 0x20, 0x5d, 0x20, 0xe4, 0x62, 0x0a]);
    const error = await readPlan({ path: "p.md", bytes }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: "p.md:1:7: not valid UTF-8: byte 6 of the file is 0xe4" });
  });

  test("names the byte that is not UTF-8, its line and its column", async () => {
    const error = await errorOf(
      readPlan({ path: "p.yaml", bytes: Buffer.from([0x61, 0x0a, 0xc3, 0xa4, 0x62, 0xff, 0x61]) }),
    );
    expect(error.message).toBe("p.yaml:2:3: not valid UTF-8: byte 5 of the file is 0xff");
    expect(error.code).toBe("invalid-plan");
  });

  test("names the first byte of a character that is cut off", async () => {
    const error = await errorOf(readPlan({ path: "p.md", bytes: Buffer.from([0x2d, 0xe2, 0x82]) }));
    expect(error.message).toMatch(/^p\.md:1:\d: not valid UTF-8: byte \d of the file/);
  });

  test("says of UTF-16 what it is", async () => {
    const error = await errorOf(readPlan({ path: "p.md", bytes: Buffer.from("\uFEFFtasks", "utf16le") }));
    expect(error.hint).toContain("UTF-16");
  });

  test("refuses a file over the size limit", async () => {
    const error = await errorOf(readPlan({ path: "p.md", text: "x".repeat(LIMITS.planFileBytes + 1) }));
    expect(error.code).toBe("limit-reached");
    expect(error.message).toMatch(/^p\.md:1:1: /);
  });

  test.each(["p.yaml", "p.json", "p.md"])("refuses a title of megabytes in %s", async (path) => {
    const title = "x ".repeat(2 << 20);
    const text =
      {
        "p.yaml": `tasks: [{id: a, title: "${title}"}]`,
        "p.json": `{"tasks":[{"id":"a","title":"${title}"}]}`,
        "p.md": `- [ ] ${title}`,
      }[path] ?? "";
    expect((await errorOf(readPlan({ path, text }))).code).toBe("limit-reached");
  });

  test("takes a byte order mark off", async () => {
    const plan = await readPlan({ path: "p.md", bytes: Buffer.from("\uFEFF- [x] a\n") });
    expect(plan.tasks.map((task) => task.key)).toEqual(["a"]);
  });

  test("reads as the format that is asked for", async () => {
    const plan = await readPlan({ path: "notes.txt", text: "- [ ] a\n- [ ] b\n", format: "markdown", order: "free" });
    expect(plan.tasks.map((task) => task.needs)).toEqual([[], []]);
  });
});

describe("readPlanFolder", () => {
  test("refuses a folder without tasks", async () => {
    const error = await errorOf(readPlanFolder({ path: "docs", files: [{ path: "docs/a.md", text: "# Hello" }] }));
    expect(error.message).toBe("docs:1:1: the folder has no task files");
  });
});

test.each([
  ["openspec/changes/add-login/tasks.md", "add-login"],
  ["plans/release.yaml", "release"],
  [".beads/issues.jsonl", "issues"],
  ["tasks.md", "tasks"],
  ["C:\\work\\ship it.json", "ship it"],
])("a plan at %s is named %s", (path, name) => {
  expect(nameFromPath(path)).toBe(name);
});
