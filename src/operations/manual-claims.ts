/**
 * Claims of people and agents: each holds one task under a lease that their reports extend. Who vanishes loses it, and the
 * task returns to the queue at no cost. A claim made through a server also ends with the server's process.
 */

import { PerdureError } from "../base/errors.ts";
import type { ExecutionId, SessionId, TaskId, WorkerId } from "../domain/ids.ts";
import { asId } from "../domain/ids.ts";
import type { WorkerRecord } from "../store/commands/workers.ts";
import { listWorkers, registerWorker, removeWorker } from "../store/commands/workers.ts";
import type { Claimed } from "../store/commands/claim-row.ts";
import { claimTask, claimTasks } from "../store/commands/claims.ts";
import { planOccurrence } from "../store/commands/plan-occurrence.ts";
import { getExecution, getTask } from "../store/commands/task-queries.ts";
import { takeOver } from "../engine/take-over.ts";
import type { ExecuteOptions } from "../store/port.ts";
import type { OperationContext } from "./operation.ts";

/** How long a claim lasts without a report. */
export const MANUAL_LEASE_MS = 30 * 60_000;

/** Who claims, and how long at most. */
export interface Claimant {
  readonly as: string;
  /** The claim is over once this process is. */
  readonly endsWithProcess: boolean;
}

export interface ClaimNext extends Claimant {
  readonly executors: readonly string[];
  readonly labels: readonly string[];
  readonly sessionId: SessionId | null;
}

/** Claims the most urgent due task of these executors; `null` when there is none. */
export async function claimNextByHand(context: OperationContext, input: ClaimNext): Promise<Claimed | null> {
  return await withHolder(context, input, async (workerId) => {
    const { executors, labels, sessionId } = input;
    const claim = { workerId, executors, labels, sessionId, limit: 1 };
    for (;;) {
      const { claimed, overdue } = await context.store.execute(claimTasks, claim, { actor: input.as });
      const [first] = claimed;
      if (first !== undefined) return first;
      if (overdue.length === 0) return null;
      // As a worker does: which of the missed occurrences is run is decided before it is claimed.
      const { planOverdue } = await import("../engine/occurrences.ts");
      for (const task of overdue) {
        const plan = await planOverdue(task, context.clock.now());
        if (plan === null) return null;
        await context.store.execute(planOccurrence, plan);
      }
    }
  });
}

/** @throws PerdureError `wrong-state` unless the task is pending in an active session. */
export async function claimByHand(
  context: OperationContext,
  input: { readonly as: string; readonly taskId: TaskId },
): Promise<Claimed> {
  await recoverLost(context);
  return await withHolder(context, { as: input.as, endsWithProcess: false }, (workerId) =>
    context.store.execute(claimTask, { taskId: input.taskId, workerId }, { actor: input.as }),
  );
}

/** Registers a holder for one claim, and forgets it again when it got nothing. */
async function withHolder<Result extends Claimed | null>(
  context: OperationContext,
  { as, endsWithProcess }: Claimant,
  claim: (workerId: WorkerId) => Promise<Result>,
): Promise<Result> {
  const workerId = asId<WorkerId>(context.random.uuid());
  const { host } = context;
  await context.store.execute(registerWorker, {
    id: workerId,
    host: host.id,
    pid: endsWithProcess ? host.pid : null,
    startToken: endsWithProcess ? host.startToken : null,
    label: as,
    isByHand: true,
    leaseMs: MANUAL_LEASE_MS,
  });
  let claimed: Result | null = null;
  try {
    claimed = await claim(workerId);
    return claimed;
  } finally {
    if (claimed === null) await context.store.execute(removeWorker, { workerId });
  }
}

/** Returns to the queue what vanished holders and dead workers held. A worker does so too, but none may be running. */
export async function recoverLost(context: OperationContext): Promise<void> {
  await takeOver(context, { self: null, executors: () => context.loadExecutors() });
}

/** Returns to the queue what was claimed through this process, which is about to end. */
export async function releaseClaimsHere({ store, host }: Pick<OperationContext, "store" | "host">): Promise<void> {
  const workers = await store.execute(listWorkers, null);
  const ours = workers.filter(
    ({ isByHand, pid, startToken, host: on }) =>
      isByHand && on === host.id && pid === host.pid && startToken === host.startToken,
  );
  for (const { id } of ours) await store.execute(removeWorker, { workerId: id });
}

/** Whoever claimed the task by hand; `null` when a worker's process or nobody has it. */
async function findHolder(
  context: Pick<OperationContext, "store">,
  executionId: ExecutionId | null,
): Promise<WorkerRecord | null> {
  if (executionId === null) return null;
  const { workerId } = await context.store.execute(getExecution, { executionId });
  const workers = workerId === null ? [] : await context.store.execute(listWorkers, null);
  return workers.find((worker) => worker.id === workerId && worker.isByHand) ?? null;
}

/** Forgets a holder whose claim is over. */
export async function forgetHolder(
  context: Pick<OperationContext, "store">,
  holder: WorkerRecord | null,
): Promise<void> {
  if (holder !== null) await context.store.execute(removeWorker, { workerId: holder.id });
}

/**
 * The holder of the task's claim, if it is claimed by hand.
 *
 * @throws PerdureError `lease-lost` when `as` says who asks and another holds it: an agent that was away too long.
 */
export async function refuseOtherHolder(
  context: Pick<OperationContext, "store">,
  { taskId, as }: { readonly taskId: TaskId; readonly as: string | undefined },
): Promise<WorkerRecord | null> {
  const { executionId, title, key } = await context.store.execute(getTask, { taskId });
  const holder = await findHolder(context, executionId);
  if (as === undefined || holder === null || holder.label === as) return holder;
  throw new PerdureError("lease-lost", {
    message: `Task ${key ?? title} is claimed by ${holder.label}, not by ${as}`,
    hint: "The claim was lost to another, who goes on with it. `perdure task show` tells more.",
    details: { taskId, holder: holder.label },
  });
}

/** Recorded as who made a change: whoever says so, else the interface. */
export function actorOf(as: string | undefined): ExecuteOptions | undefined {
  return as === undefined ? undefined : { actor: as };
}
