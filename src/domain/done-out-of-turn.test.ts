import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { PlacedTask } from "./done-out-of-turn.ts";
import { comesAfter } from "./done-out-of-turn.ts";

function byPlace(key: string, ...needs: readonly string[]): PlacedTask {
  return { key, parentKey: null, needs, needsByPlace: needs, schedule: null };
}

function said(key: string, ...needs: readonly string[]): PlacedTask {
  return { key, parentKey: null, needs, needsByPlace: [], schedule: null };
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
    expect(after([...tasks, byPlace("x", "a", "p")], "p")).toEqual({});
    expect(after([byPlace("a"), byPlace("b"), byPlace("p", "a", "b"), byPlace("z", "p")], "p")).toEqual({
      z: ["a", "b"],
    });
    expect(after([byPlace("a"), byPlace("p", "a"), byPlace("r"), byPlace("z", "p", "r")], "p")).toEqual({ z: ["a"] });
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

  test("names of a row of done tasks with one open part each only the last part", () => {
    const tasks = Array.from({ length: 500 }, (_, at) => {
      const before = at === 0 ? [] : [`p${at - 1}`];
      return [byPlace(`p${at}`, ...before), { ...byPlace(`c${at}`, ...before), parentKey: `p${at}` }];
    }).flat();
    const found = comesAfter(tasks, (key) => key.startsWith("p"));
    expect([...found]).toEqual(Array.from({ length: 499 }, (_, at) => [`c${at + 1}`, [`c${at}`]]));
  });

  test("names a part once that its parent needs by name as well", () => {
    const part = { ...said("c"), parentKey: "p" };
    expect(after([part, said("p", "c"), byPlace("z", "p")], "p")).toEqual({ z: ["c"] });
  });

  test("does not wait for what recurs below a done task", () => {
    const recurring = { ...said("r"), parentKey: "p", schedule: { type: "every", intervalMs: 1000 } as const };
    expect(after([said("p"), recurring, byPlace("z", "p")], "p")).toEqual({});
  });

  test("waits for all that stands open before it, and names none that another of those waits for", () => {
    fc.assert(
      fc.property(fc.array(aTask, { minLength: 6, maxLength: 14 }), (drawn) => {
        const tasks = drawn.map((task, at) => placed(task, at));
        const isDone = (key: string): boolean => drawn[Number(key)]?.isDone === true;
        const found = comesAfter(tasks, isDone);
        const own = new Map(tasks.map(({ key }) => [key, openOf(tasks, key, isDone)]));
        const next = (key: string): readonly string[] => [...(own.get(key) ?? []), ...(found.get(key) ?? [])];
        const open = tasks.filter(({ key }) => !isDone(key));
        for (const { key } of open) {
          expect(reached(key, next)).toEqual(reached(key, (one) => behind(tasks, one, isDone)));
          const further = new Set(next(key).flatMap((other) => [...reached(other, next)]));
          expect((found.get(key) ?? []).filter((other) => further.has(other))).toEqual([]);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

const aTask = fc.record({
  isDone: fc.boolean(),
  isBelow: fc.boolean(),
  parent: fc.nat(13),
  said: fc.array(fc.nat(13), { maxLength: 2 }),
  byPlace: fc.array(fc.nat(13), { maxLength: 3 }),
});

type DrawnTask = typeof aTask extends fc.Arbitrary<infer T> ? T : never;

/** What it needs was drawn before it, and what it stands below after it, so that there is no circle. */
function placed(drawn: DrawnTask, at: number): PlacedTask {
  const before = (numbers: readonly number[]): string[] => numbers.filter((one) => one < at).map(String);
  const needsByPlace = before(drawn.byPlace).filter((key) => !drawn.said.includes(Number(key)));
  const parentKey = drawn.isBelow && drawn.parent > at ? String(drawn.parent) : null;
  return { key: String(at), parentKey, needs: [...before(drawn.said), ...needsByPlace], needsByPlace, schedule: null };
}

function allOf(tasks: readonly PlacedTask[], key: string): readonly string[] {
  const needs = tasks.find((task) => task.key === key)?.needs ?? [];
  return [...needs, ...tasks.filter(({ parentKey }) => parentKey === key).map((task) => task.key)];
}

function openOf(tasks: readonly PlacedTask[], key: string, isDone: (key: string) => boolean): readonly string[] {
  return allOf(tasks, key).filter((need) => !isDone(need));
}

/** The open tasks it waits for, those behind done ones that it follows among them. */
function behind(tasks: readonly PlacedTask[], key: string, isDone: (key: string) => boolean): readonly string[] {
  const followed = (tasks.find((task) => task.key === key)?.needsByPlace ?? []).filter(isDone);
  const done = followed.flatMap((need) => [need, ...reached(need, (one) => allOf(tasks, one).filter(isDone))]);
  return [key, ...done].flatMap((one) => openOf(tasks, one, isDone));
}

function reached(from: string, next: (key: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const ahead = [...next(from)];
  for (let key = ahead.pop(); key !== undefined; key = ahead.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    ahead.push(...next(key));
  }
  return new Set([...found].toSorted());
}
