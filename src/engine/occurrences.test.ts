import { expect, test } from "vitest";

import type { Schedule } from "../domain/schedule.ts";
import { DEFAULT_RETRY_POLICY } from "../domain/retry-policy.ts";
import { asId } from "../domain/ids.ts";
import type { Task } from "../domain/task.ts";
import { nextOccurrenceAfter } from "./occurrences.ts";

const HOURLY: Schedule = { type: "every", intervalMs: 3_600_000 };

function aRecurringTask(task: Partial<Task>): Task {
  return {
    id: asId("t"),
    key: null,
    projectId: asId("p"),
    sessionId: asId("s"),
    parentId: null,
    title: "t",
    description: null,
    executor: "command",
    input: null,
    kind: "command",
    status: "in_progress",
    blockedReason: null,
    blockedNote: null,
    priority: 5,
    weight: 1,
    onDependencyFailure: "block",
    context: {},
    maxRetries: 3,
    retry: DEFAULT_RETRY_POLICY,
    timeoutMs: null,
    schedule: HOURLY,
    overlap: "skip",
    catchUp: "last",
    scheduledFor: 1_000,
    missedUntil: null,
    labels: [],
    limit: null,
    runAt: 1_000,
    executionId: null,
    source: null,
    createdAt: 1_000,
    updatedAt: 1_000,
    startedAt: 1_000,
    completedAt: null,
    ...task,
  };
}

test("an interval counts from its first occurrence, not from when the task was stored a moment later", async () => {
  const task = aRecurringTask({ scheduledFor: 1_000, createdAt: 1_003 });
  const next = await nextOccurrenceAfter(task, { scheduledFor: 1_000, startedAt: 1_005 }, 1_100);
  expect(next).toMatchObject({ scheduledFor: 3_601_000, runAt: 3_601_000, skipped: 0 });
});
