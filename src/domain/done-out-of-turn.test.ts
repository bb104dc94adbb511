import { describe, expect, test } from "vitest";

import type { PlacedTask } from "./done-out-of-turn.ts";
import { comesAfter } from "./done-out-of-turn.ts";

function byPlace(key: string, ...needs: readonly string[]): PlacedTask {
  return { key, parentKey: null, needs, needsByPlace: needs };
}

function said(key: string, ...needs: readonly string[]): PlacedTask {
  return { key, parentKey: null, needs, needsByPlace: [] };
}

function after(tasks: readonly PlacedTask[], ...done: readonly string[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(comesAfter(tasks, (key) => done.includes(key)));
}

describe("comesAfter", () => {
  const row = [byPlace("a"), byPlace("b", "a"), byPlace("c", "b"), byPlace("d", "c"), byPlace("e", "d")];

  test("names what stands before something that was done before its turn", () => {
    expect(after(row, "a", "c")).toEqual({ d: ["b"] });
    expect(after(row, "c", "d")).toEqual({ e: ["b"] });
    expect(after(row, "b", "d")).toEqual({ c: ["a"], e: ["c"] });
  });

  test("names nothing where all before is done, or nothing is", () => {
    expect(after(row, "a", "b", "c")).toEqual({});
    expect(after(row)).toEqual({});
    expect(after(row, "e")).toEqual({});
  });

  test("goes no further than what is not done, and not from a need that was said", () => {
    expect(after([byPlace("a"), byPlace("b", "a"), said("c", "b"), said("d", "c")], "c")).toEqual({});
    expect(after([byPlace("a"), said("b", "a"), byPlace("c", "b")], "b")).toEqual({ c: ["a"] });
  });

  test("names each of what stands side by side", () => {
    const tasks = [byPlace("a"), byPlace("p", "a"), byPlace("q", "a"), byPlace("r", "a"), byPlace("z", "p", "q", "r")];
    expect(after(tasks, "p", "q")).toEqual({ z: ["a"] });
    expect(after(tasks, "a", "p", "q", "r")).toEqual({});
  });

  test("looks into a done task that holds others", () => {
    const tasks: readonly PlacedTask[] = [
      said("one"),
      { ...said("a"), parentKey: "one" },
      said("two"),
      { ...byPlace("b", "one"), parentKey: "two" },
      said("three"),
      { ...byPlace("c", "two"), parentKey: "three" },
    ];
    expect(after(tasks, "two", "b")).toEqual({ c: ["one"] });
    expect(after(tasks, "two")).toEqual({ c: ["b"] });
  });

  test("goes through a long row of done tasks", () => {
    const wide = Array.from({ length: 300 }, (_, at) => byPlace(`w${at}`));
    const long = Array.from({ length: 30_000 }, (_, at) =>
      byPlace(`l${at}`, ...(at === 0 ? wide.map(({ key }) => key) : [`l${at - 1}`])),
    );
    const tasks = [...wide, ...long, byPlace("z", "l29999")];
    const found = comesAfter(tasks, (key) => key.startsWith("l"));
    expect(found.get("z")).toHaveLength(300);
  });
});
