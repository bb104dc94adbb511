import { describe, expect, test } from "vitest";

import { groupHelp, verbHelp } from "./help.ts";
import { findVerb, VERBS } from "./verbs.ts";

const loaded = await Promise.all(
  VERBS.flatMap((entry) => (entry.load === null ? [] : [entry.load().then((verb) => ({ entry, verb }))])),
);

describe("every verb", () => {
  test.each(loaded)("$entry.name › has help that names its arguments and options", ({ entry, verb }) => {
    const help = verbHelp(entry, verb);
    expect(help).toContain(`Usage: perdure ${entry.name}`);
    for (const argument of verb.arguments) expect(help).toContain(argument.name);
    for (const option of verb.options)
      expect(help).toContain(`--${option.type === "boolean" && option.isOn ? "no-" : ""}${option.name}`);
    expect(help.split("\n").filter((line) => line.length > 130)).toEqual([]);
  });

  test.each(loaded)(
    "$entry.name › names each option once and asks for nothing behind an optional argument",
    ({ verb }) => {
      const names = verb.options.flatMap(({ name, short }) => (short === undefined ? [name] : [name, short]));
      expect(new Set([...names, "json", "project", "store", "quiet", "help", "q", "h"]).size).toBe(names.length + 7);
      const firstOptional = verb.arguments.findIndex(({ isOptional }) => isOptional === true);
      const behind = firstOptional === -1 ? [] : verb.arguments.slice(firstOptional);
      expect(behind.every(({ isOptional }) => isOptional === true)).toBe(true);
    },
  );

  test.each(loaded.flatMap(({ entry, verb }) => (verb.examples ?? []).map((example) => ({ entry, verb, example }))))(
    "$entry.name › has an example that begins with a program: $example",
    ({ example }) => {
      expect(example).toMatch(/^(perdure|eval "\$\(perdure) /);
    },
  );
});

test("the help of one verb reads well", () => {
  const found = loaded.find(({ entry }) => entry.name === "task block");
  expect(found && verbHelp(found.entry, found.verb)).toBe(
    `perdure task block: block a task

Usage: perdure task block TASK REASON [options]

Arguments:
  TASK    its key in the plan, its id, or the beginning of one
  REASON  why

Options:
  --as NAME  who does it; refused when another claimed the task

Options of every command:
  --json         print one JSON document on stdout, errors as JSON on stderr
  --project DIR  the project (default: the nearest parent with .perdure/ or perdure.yaml)
  --store URL    the store, instead of what perdure.yaml says
  -q, --quiet    print results and errors only
  -h, --help     show how a command is used

It stays aside until \`perdure task retry TASK\`.`,
  );
});

test("the help of a group lists what it has, and what comes later", () => {
  expect(groupHelp("session")).toMatch(/\n {2}cancel +cancel a session and what is left of it\n/);
  expect(groupHelp("context")).toContain("show the summaries a context is made of (comes with a later version)");
});

describe("findVerb", () => {
  test("finds a verb of two words, also with options between them", async () => {
    const found = await findVerb(["task", "--project", "dir", "show", "build"]);
    expect(found).toMatchObject({ kind: "verb", entry: { name: "task show" }, words: ["--project", "dir", "build"] });
  });

  test.each([
    [["stauts"], 'perdure has no command "stauts"; did you mean `perdure status`?'],
    [["task", "shwo"], 'perdure task has no command "shwo"; did you mean `perdure task show`?'],
    [["xyzzy"], 'perdure has no command "xyzzy"'],
  ])("suggests the nearest for %j", async (words, message) => {
    await expect(findVerb(words)).rejects.toMatchObject({ code: "usage", message });
  });
});
