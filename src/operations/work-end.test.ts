import { describe, expect, test } from "vitest";

import type { BlockedGroup, QueueState } from "../store/commands/queue.ts";
import { isMoreComing, restingEnd, waitingMessage } from "./work-end.ts";

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

const OWN = new Set(["command"]);
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
