import { describe, expect, test } from "vitest";

import { isLabel, parseLabels } from "./labels.ts";
import type { LimitRule } from "./task-limit.ts";
import { limitsOn, matchesPattern } from "./task-limit.ts";

const BOUNDS = { concurrency: 1, rate: null };

describe("matchesPattern", () => {
  test.each([
    ["customer-42", "customer-42", true],
    ["customer-4", "customer-42", false],
    ["customer-*", "customer-42", true],
    ["customer-*", "customer-", true],
    ["customer-*", "my-customer-42", false],
    ["*", "anything", true],
    ["*-eu", "acme-eu", true],
    ["*-eu", "acme-eu-1", false],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-c", false],
    ["a*bc*c", "abc", false],
    ["a.c", "abc", false],
  ])("%j and %j: %s", (pattern, text, matches) => {
    expect(matchesPattern(pattern, text)).toBe(matches);
  });
});

describe("limitsOn", () => {
  const rules: readonly LimitRule[] = [
    { subject: "label", pattern: "gpu", ...BOUNDS },
    { subject: "key", pattern: "vip-*", concurrency: 5, rate: null },
    { subject: "key", pattern: "*", concurrency: 2, rate: null },
    { subject: "executor", pattern: "command", ...BOUNDS },
  ];

  test("finds all that hold for a task, in the order of their ids", () => {
    const task = { executor: "command", labels: ["big", "gpu"], limit: { key: "vip-1", ...BOUNDS } };
    expect(limitsOn(task, rules)).toEqual([
      { id: "executor:command", ...BOUNDS },
      { id: "key:vip-1", concurrency: 5, rate: null },
      { id: "label:gpu", ...BOUNDS },
    ]);
  });

  test("goes by what the task says where no rule is about its key", () => {
    const limit = { key: "k", concurrency: null, rate: { count: 1, perMs: 10 } };
    expect(limitsOn({ executor: "f", labels: [], limit }, [])).toEqual([
      { id: "key:k", concurrency: null, rate: { count: 1, perMs: 10 } },
    ]);
    expect(limitsOn({ executor: "f", labels: [], limit: null }, rules)).toEqual([]);
  });
});

describe("labels", () => {
  test.each(["gpu", "os=linux", "region/eu-1", "v1.2", "A_b:c"])("%j is one", (text) => {
    expect(isLabel(text)).toBe(true);
  });

  test.each(["", "-a", "a,b", "a b", "a|b", "ä", "a".repeat(64)])("%j is none", (text) => {
    expect(isLabel(text)).toBe(false);
  });

  test("are put in order, each once", () => {
    expect(parseLabels("The labels", ["linux", "gpu", "linux"])).toEqual(["gpu", "linux"]);
    expect(() => parseLabels("The labels of task a", ["g pu"])).toThrow('The labels of task a: this is none: "g pu"');
    expect(() =>
      parseLabels(
        "The labels",
        Array.from({ length: 51 }, (_, at) => `l${at}`),
      ),
    ).toThrow("at most 50");
  });
});
