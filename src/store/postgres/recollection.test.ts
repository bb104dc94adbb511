import { expect, test } from "vitest";

import type { Running } from "../command.ts";
import { Recollection } from "./recollection.ts";

function running(number: number): readonly [string, Running] {
  return [`execution ${number}`, { execution: { id: `execution ${number}` }, task: { id: `task ${number}` } }];
}

function learn(recollection: Recollection, ...numbers: readonly number[]): void {
  recollection.learnRunning(new Map(numbers.map(running)));
}

test("however many tasks have run since, what changes a running one is known to do so", () => {
  const recollection = new Recollection();
  learn(recollection, 0);
  for (let number = 1; number < 10_000; number++) {
    learn(recollection, number);
    recollection.forgetChanged({ entity: "executions", row: { id: `execution ${number}` }, before: {}, after: {} });
  }
  expect(recollection.running("execution 0")).toBeDefined();
  recollection.forgetChanged({ entity: "dependencies", row: { depends_on_id: "task 0" }, before: null, after: {} });
  expect(recollection.running("execution 0")).toBeUndefined();
});

test("it holds no more than it may, the newest", () => {
  const recollection = new Recollection();
  for (let number = 0; number < 5_000; number++) learn(recollection, number);
  expect(recollection.running("execution 0")).toBeUndefined();
  expect(recollection.running("execution 4999")).toBeDefined();
});

test("numbers below one that was used are of no use any more", () => {
  const recollection = new Recollection();
  recollection.learnNumbers(new Map([["tasks", [5, 6, 7]]]), new Map());
  expect(recollection.hasNumbers({ tasks: 3 })).toBe(true);
  recollection.learnNumbers(new Map([["tasks", [3, 9]]]), new Map([["tasks", 6]]));
  expect(recollection.takeNumbers({ tasks: 2 })).toEqual(new Map([["tasks", [7, 9]]]));
  recollection.learnNumbers(new Map([["tasks", [10]]]), new Map([["tasks", Number.POSITIVE_INFINITY]]));
  expect(recollection.hasNumbers({ tasks: 1 })).toBe(false);
});
