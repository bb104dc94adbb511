import { describe, expect, test } from "vitest";

import type { Syntax } from "./parse-arguments.ts";
import { parseArguments, splitVerb } from "./parse-arguments.ts";

const SYNTAX: Syntax = {
  verb: "cook",
  arguments: [
    { name: "DISH", help: "what" },
    { name: "SIDE", help: "with what", isOptional: true },
  ],
  options: [
    { name: "servings", short: "s", type: "integer", placeholder: "N", help: "for how many" },
    { name: "salt", type: "number", placeholder: "G", help: "grams" },
    { name: "with", type: "text", placeholder: "WHAT", isRepeated: true, help: "also" },
    { name: "style", type: "text", placeholder: "STYLE", values: ["fried", "raw"], help: "how" },
    { name: "draw", type: "text", placeholder: "AS", bare: "tree", values: ["tree", "dot"], help: "a picture" },
    { name: "hot", type: "boolean", isOn: true, help: "serve cold" },
    { name: "takeaway", short: "t", type: "boolean", help: "to go" },
  ],
};

const parse = (...words: string[]) => parseArguments(SYNTAX, words);

describe("parseArguments", () => {
  test("reads options anywhere, with = or the next word, short or long", async () => {
    const args = await parse("--servings=4", "soup", "--salt", "1.5", "-t", "bread", "-s", "6");
    expect([args.text("DISH"), args.text("SIDE")]).toEqual(["soup", "bread"]);
    expect([args.number("servings"), args.number("salt"), args.flag("takeaway")]).toEqual([6, 1.5, true]);
  });

  test("takes every option of all verbs, before and behind", async () => {
    const args = await parse("--json", "soup", "--project", "/somewhere", "-q");
    expect([args.flag("json"), args.text("project"), args.flag("quiet")]).toEqual([true, "/somewhere", true]);
  });

  test("turns a boolean that is on off with --no-, and one that is off stays off", async () => {
    expect((await parse("soup")).flag("hot")).toBe(true);
    expect((await parse("soup", "--no-hot")).flag("hot")).toBe(false);
    expect((await parse("soup", "--no-takeaway")).flag("takeaway")).toBe(false);
  });

  test("gathers an option that may be repeated", async () => {
    expect((await parse("soup", "--with", "a", "--with=b")).list("with")).toEqual(["a", "b"]);
    expect((await parse("soup")).list("with")).toEqual([]);
  });

  test("gives an option without its value what it means then, and leaves the next word alone", async () => {
    const args = await parse("--draw", "soup");
    expect([args.text("draw"), args.text("DISH")]).toEqual(["tree", "soup"]);
    expect((await parse("--draw=dot", "soup")).text("draw")).toBe("dot");
  });

  test("takes what follows -- as arguments, and a lone dash too", async () => {
    const args = await parse("--", "--servings", "-");
    expect([args.text("DISH"), args.text("SIDE")]).toEqual(["--servings", "-"]);
  });

  test("takes a negative number as a value", async () => {
    expect((await parse("soup", "--salt", "-2")).number("salt")).toBe(-2);
    expect((await parse("-5")).text("DISH")).toBe("-5");
  });

  test("keeps an empty value", async () => {
    expect((await parse("soup", "--style=raw", "--with=")).list("with")).toEqual([""]);
  });

  test.each([
    [["soup", "--serving", "4"], "cook has no option --serving; did you mean --servings?"],
    [["soup", "--xyzzy"], "cook has no option --xyzzy"],
    [["soup", "--servings"], "--servings needs a value: --servings N"],
    [["soup", "--servings", "many"], '--servings is a whole number, not "many"'],
    [["soup", "--servings", "1.5"], '--servings is a whole number, not "1.5"'],
    [["soup", "--style", "boiled"], '--style is one of fried, raw, not "boiled"'],
    [["soup", "--takeaway=yes"], "--takeaway takes no value"],
    [[], "DISH is missing: what"],
    [["soup", "bread", "wine"], '"wine" is one word too many for cook'],
  ])("refuses %j", async (words, message) => {
    await expect(parse(...words)).rejects.toMatchObject({
      code: "usage",
      message,
      hint: "See `perdure cook --help`.",
    });
  });

  test("asks for nothing when help is wanted", async () => {
    expect((await parse("--help")).flag("help")).toBe(true);
  });
});

describe("splitVerb", () => {
  test("splits off the options before the verb with their values", () => {
    expect(splitVerb(["--json", "--project", "dir", "status", "--quiet"])).toEqual({
      before: ["--json", "--project", "dir"],
      rest: ["status", "--quiet"],
    });
  });

  test("takes --project=DIR as one word", () => {
    expect(splitVerb(["--project=dir", "status"]).rest).toEqual(["status"]);
  });

  test("finds no verb where there is none", () => {
    expect(splitVerb(["--json"]).rest).toEqual([]);
  });
});
