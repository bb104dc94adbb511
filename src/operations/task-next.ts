/** The most urgent task that is ready, or why there is none; for agents and people who ask what to do. */

import * as v from "valibot";

import type { SessionId, TaskId } from "../domain/ids.ts";
import { MANUAL_EXECUTOR } from "../domain/task.ts";
import type { QueueState } from "../store/commands/queue.ts";
import { describeQueue, findNextTask } from "../store/commands/queue.ts";
import { taskNow } from "./after-change.ts";
import { labelsInput, sessionReference, whoInput } from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { toIso } from "./json/times.ts";
import type { ClaimNext } from "./manual-claims.ts";
import { claimNextByHand, MANUAL_LEASE_MS, recoverLost } from "./manual-claims.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { whyNoTask } from "./next-task-reason.ts";
import { findSessionId } from "./references.ts";

export const claimSchema = v.object({
  executionId: v.string(),
  /** Reports extend it. */
  leaseExpiresAt: v.string(),
});

export const taskNext = defineOperation({
  name: "task-next",
  summary: "Shows, or claims, the most urgent task that is ready, or says why there is none.",
  input: v.object({
    claim: v.optional(v.boolean(), false),
    /** Who claims it. */
    as: v.optional(whoInput, "agent"),
    /** The claim is over once the process it is made through is, such as a server's. */
    endsWithProcess: v.optional(v.boolean(), false),
    /** Without one: any that is active. */
    session: sessionReference,
    /** Tasks of which executors are meant; by default those that no worker runs. */
    executors: v.optional(v.pipe(v.array(v.string()), v.nonEmpty("names no executor")), [MANUAL_EXECUTOR]),
    /** What the one who asks offers: tasks that require other labels are left out. */
    labels: v.optional(labelsInput, []),
    /** Of any executor. */
    any: v.optional(v.boolean(), false),
  }),
  output: v.object({
    task: v.nullable(taskSchema),
    /** Why there is none. */
    reason: v.nullable(v.string()),
    claim: v.nullable(claimSchema),
  }),
  async run(context, input) {
    const sessionId = input.session === null ? null : await findSessionId(context, input.session);
    await recoverLost(context);
    const queue = await context.store.execute(describeQueue, { sessionId });
    const executors = input.any ? [...new Set(queue.ready.map(({ executor }) => executor))] : input.executors;
    const { labels } = input;
    const found = input.claim
      ? await claimNext(context, { as: input.as, endsWithProcess: input.endsWithProcess, executors, labels, sessionId })
      : await findNext(context, { executors, labels, sessionId });
    if (found === null) return { task: null, reason: await reasonOf(context, queue, sessionId), claim: null };
    return { task: await taskNow(context, found.taskId), reason: null, claim: found.claim };
  },
});

interface Found {
  readonly taskId: TaskId;
  readonly claim: v.InferInput<typeof claimSchema> | null;
}

async function findNext(
  context: OperationContext,
  input: Pick<ClaimNext, "executors" | "labels" | "sessionId">,
): Promise<Found | null> {
  const taskId = await context.store.execute(findNextTask, input);
  return taskId === null ? null : { taskId, claim: null };
}

async function claimNext(context: OperationContext, input: ClaimNext): Promise<Found | null> {
  const claimed = await claimNextByHand(context, input);
  if (claimed === null) return null;
  const leaseExpiresAt = toIso(context.clock.now() + MANUAL_LEASE_MS);
  return { taskId: claimed.task.id, claim: { executionId: claimed.execution.id, leaseExpiresAt } };
}

/** Looked up anew, because another may have claimed what was there a moment ago. */
async function reasonOf(context: OperationContext, before: QueueState, sessionId: SessionId | null): Promise<string> {
  const now = before.ready.length === 0 ? before : await context.store.execute(describeQueue, { sessionId });
  return whyNoTask(now, (at) => toIso(at));
}
