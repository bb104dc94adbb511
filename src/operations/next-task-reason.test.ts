import { describe, expect, test } from "vitest";

import type { QueueState } from "../store/commands/queue.ts";
import { whyNoTask } from "./next-task-reason.ts";

const EMPTY: QueueState = {
  ended: 0,
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
};

describe("whyNoTask", () => {
  test.each<[string, Partial<QueueState>]>([
    ["no tasks yet", {}],
    ["all done", { ended: 4 }],
    ["all done, 1 failed", { ended: 4, failed: 1 }],
    ["3 in progress", { workedOn: 2, claimedByHand: 1 }],
    ["2 tasks are ready for command workers", { ready: [{ executor: "command", labels: [], count: 2 }] }],
    ["2 not due yet, the next at T7", { later: [{ executor: "command", labels: [], count: 2 }], nextDueAt: 7 }],
    ["3 in paused sessions", { held: 3 }],
    [
      "deploy and 1 more blocked: Publish?; 4 blocked by dependencies",
      {
        blocked: [
          { reason: "waiting", hasNote: true, count: 2, name: "deploy", note: "Publish?" },
          { reason: "dependencies", hasNote: false, count: 4, name: "x", note: null },
        ],
      },
    ],
  ])("says %j", (reason, queue) => {
    expect(whyNoTask({ ...EMPTY, ...queue }, (at) => `T${at}`)).toBe(reason);
  });
});
