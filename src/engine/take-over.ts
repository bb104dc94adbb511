/** Taking over from workers that are gone: what they held returns to the queue, by whoever sees it first. */

import type { ClockDep } from "../base/clock.ts";
import type { WorkerId } from "../domain/ids.ts";
import { listLimitedHeldBy } from "../store/commands/held-back.ts";
import type { Recovered, WorkerRecord } from "../store/commands/workers.ts";
import { listWorkers, recoverWorkers } from "../store/commands/workers.ts";
import type { ExecuteOptions, StoreDep } from "../store/port.ts";
import type { Executor } from "./executor.ts";
import type { HostDep } from "./host.ts";

export interface TakeOver {
  /** Who looks, if a worker does. */
  readonly self: WorkerId | null;
  /** Asked only when they are needed. */
  executors(): Promise<ReadonlyMap<string, Executor>> | ReadonlyMap<string, Executor>;
}

/** Costs no retry. Of workers of this host it is known whether their process is there; of others, when their lease is over. */
export async function takeOver(
  deps: StoreDep & HostDep & ClockDep,
  { self, executors }: TakeOver,
  options?: ExecuteOptions,
): Promise<readonly Recovered[]> {
  const { store, clock } = deps;
  const others = (await store.execute(listWorkers, null)).filter(({ id }) => id !== self);
  const dead = others
    .filter((worker) => isDead(deps, worker))
    .map(({ id, label }) => ({ id, why: `${label} is gone` }));
  const hasExpired = others.some((worker) => worker.leaseExpiresAt <= clock.now());
  if (dead.length === 0 && !hasExpired) return [];
  await endLeftovers(deps, { dead: dead.map(({ id }) => id), executors });
  return await store.execute(recoverWorkers, { dead }, options);
}

/** Its process was on this host and is gone. */
export function isDead({ host }: HostDep, worker: WorkerRecord): boolean {
  return worker.host === host.id && worker.pid !== null && host.startTokenOf(worker.pid) !== worker.startToken;
}

/**
 * Ends what dead workers of this host left running, before their places under limits are free: a command outlives the
 * process that was killed, and would run beside the next one. Of tasks without limits nothing is ended: whoever runs them
 * again does that first.
 */
async function endLeftovers(
  { store }: StoreDep,
  { dead, executors }: Pick<TakeOver, "executors"> & { readonly dead: readonly WorkerId[] },
): Promise<void> {
  const held = dead.length === 0 ? [] : await store.execute(listLimitedHeldBy, { workers: dead });
  if (held.length === 0) return;
  const known = await executors();
  // What cannot be ended is told by the run that comes next.
  await Promise.allSettled(
    held.map(({ executor, executionId }) => known.get(executor)?.endLeftovers?.(executionId) ?? Promise.resolve()),
  );
}
