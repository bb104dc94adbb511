import { describe, expect, test } from "vitest";

import type { BlockedGroup, QueueState } from "../store/commands/queue.ts";
import { isMoreComing, missingMessage, restingEnd, waitingMessage } from "./work-end.ts";

function aQueue(queue: Partial<QueueState>): QueueState {
  return {
    ended: 1,
    failed: 0,
    workedOn: 0,
    claimedByHand: 0,
    ready: [],
    limited: [],
    later: [],
    recurring: [],
    nextDueAt: null,
    held: 0,
    timedWaits: 0,
    blocked: [],
    ...queue,
  };
}

function blocked(reason: BlockedGroup["reason"], note: string | null = null): BlockedGroup {
  return { reason, hasNote: note !== null, count: 1, name: "build", note };
}

const OWN = { executors: new Set(["command"]), labels: new Set(["linux"]) };
const RECURRING = [{ executor: "command", labels: [], count: 1 }];
const MANUAL = [{ executor: "manual", labels: [], count: 1 }];

describe("restingEnd", () => {
  test.each<[string, Partial<QueueState>, string]>([
    ["scheduled when only recurring tasks are left", { recurring: RECURRING }, "scheduled"],
    ["blocked when a manual task is left beside a recurring one", { recurring: RECURRING, ready: MANUAL }, "blocked"],
    ["blocked when a manual task comes due later", { later: MANUAL }, "blocked"],
    ["blocked while someone holds a claim", { claimedByHand: 1 }, "blocked"],
    ["blocked by an unknown outcome", { blocked: [blocked("unknown_outcome", "step pay")] }, "blocked"],
    [
      "blocked by a question, also when something failed",
      { failed: 1, blocked: [blocked("waiting", "Publish?")] },
      "blocked",
    ],
    ["blocked by a task that was set aside", { blocked: [blocked("interrupted", "not now")] }, "blocked"],
    [
      "interrupted when only that keeps the rest",
      { blocked: [blocked("interrupted"), blocked("dependencies")] },
      "interrupted",
    ],
    [
      "failed when only that keeps the rest",
      { failed: 1, blocked: [blocked("dependency_failed", "a failed")] },
      "failed",
    ],
    ["failed beside recurring tasks", { failed: 1, recurring: RECURRING }, "failed"],
    ["blocked behind a cancelled task", { blocked: [blocked("dependency_failed", "a was cancelled")] }, "blocked"],
  ])("is %s", (_title, queue, end) => {
    expect(restingEnd(aQueue(queue), OWN)).toBe(end);
  });
});

describe("isMoreComing", () => {
  test.each<[boolean, Partial<QueueState>]>([
    [true, { ready: [{ executor: "command", labels: [], count: 1 }] }],
    [true, { later: [{ executor: "command", labels: [], count: 1 }] }],
    [true, { timedWaits: 1 }],
    [false, { ready: MANUAL }],
    [false, { recurring: RECURRING }],
  ])("is %s for %j", (expected, queue) => {
    expect(isMoreComing(aQueue(queue), OWN)).toBe(expected);
  });
});

describe("waitingMessage", () => {
  test("names what someone has to do first", () => {
    expect(waitingMessage(aQueue({ blocked: [blocked("waiting", "Publish?")] }), OWN)).toBe(
      "build is blocked: Publish?",
    );
    expect(waitingMessage(aQueue({ ready: [{ executor: "manual", labels: [], count: 2 }] }), OWN)).toBe(
      "2 manual tasks to be done",
    );
    expect(waitingMessage(aQueue({ workedOn: 3 }), OWN)).toBe("3 in progress in another process");
  });
});

describe("tasks that need labels", () => {
  const gpu = [{ executor: "command", labels: ["gpu", "linux"], count: 2 }];
  const linux = [{ executor: "command", labels: ["linux"], count: 1 }];

  test("are to come only for a worker that has them all", () => {
    expect(isMoreComing(aQueue({ ready: gpu }), OWN)).toBe(false);
    expect(isMoreComing(aQueue({ later: gpu }), OWN)).toBe(false);
    expect(isMoreComing(aQueue({ ready: linux }), OWN)).toBe(true);
  });

  test("end the work as blocked, with a word about them", () => {
    expect(restingEnd(aQueue({ ready: gpu }), OWN)).toBe("blocked");
    expect(missingMessage(aQueue({ ready: [...gpu, ...linux] }), OWN)).toBe(
      "2 tasks for a worker with labels gpu, linux: this one does not have them all; `perdure worker --labels …` offers them",
    );
  });
});

test("waiting for a place under a limit is told", () => {
  const limit = { id: "key:customer-42", concurrency: 2, rate: null } as const;
  const ready = [{ executor: "command", labels: [], count: 3 }];
  const queue = aQueue({ ready, limited: [{ limit, count: 3, running: 2, opensAt: null }] });
  expect(waitingMessage(queue, OWN)).toBe("3 wait for a place under key customer-42 (2 of 2 running)");
  const rate = { id: "executor:command", concurrency: null, rate: { count: 100, perMs: 60_000 } } as const;
  expect(waitingMessage(aQueue({ ready, limited: [{ limit: rate, count: 1, running: 0, opensAt: 1 }] }), OWN)).toBe(
    "1 waits for the next start under executor command (100/1m)",
  );
});
