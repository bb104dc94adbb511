/**
 * A worker: claims tasks its executors can carry out, runs them side by side, keeps its leases, and takes over what dead
 * workers left. Wakes when something was committed or comes due; otherwise it does nothing.
 */

import type { Millis } from "../base/clock.ts";
import { assert } from "../base/assert.ts";
import { isPerdureError, PerdureError } from "../base/errors.ts";
import { asId, type WorkerId } from "../domain/ids.ts";
import type { Claimed } from "../store/commands/claim-row.ts";
import type { Ahead } from "../store/commands/claims.ts";
import { listSteps } from "../store/commands/steps.ts";
import { extendLeases, registerWorker, removeWorker, type RegisterWorker } from "../store/commands/workers.ts";
import type { Hold } from "../store/commands/task-rows.ts";
import { findStops } from "../store/commands/stops.ts";
import type { OwnCommits } from "../store/port.ts";
import type { ClaimingWorker, WorkerState } from "./claimer.ts";
import { Claimer } from "./claimer.ts";
import type { Executor } from "./executor.ts";
import type { HostDep } from "./host.ts";
import { repeatedly } from "./repeatedly.ts";
import { recordOutcome, type RecordedOutcome } from "./record-outcome.ts";
import type { RunOutcome } from "./run-outcome.ts";
import type { RunDeps } from "./run-context.ts";
import { takeOver } from "./take-over.ts";
import { createTaskRun, type TaskRun } from "./task-run.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** Nothing runs here, and nothing that is due could be claimed. */
export interface Idle {
  /** Grows each time the worker comes to rest, to ask for a later time. */
  readonly version: number;
  readonly nextDueAt: Millis | null;
  /** Whether more than the next occurrence of a recurring task is still to come due. */
  readonly isMoreComing: boolean;
}

export interface Worker {
  readonly id: WorkerId;
  start(): Promise<void>;
  /**
   * The first time the worker comes to rest after version `after` (0 is from the start). It comes to rest anew whenever
   * something was committed or came due and nothing could be claimed.
   *
   * @throws what made the worker give up, such as `store-unreachable`; `wrong-state` once it has stopped.
   */
  nextIdle(after: number): Promise<Idle>;
  /**
   * Claims nothing more and lets what runs come to its end; what still runs after `deadlineMs` is let go as `stop` does it.
   * Resolves when the worker has stopped. `stop` ends the wait.
   */
  drain(deadlineMs: number): Promise<void>;
  /** Lets go of everything at the next step boundaries: what runs returns to the queue. Safe to repeat. */
  stop(): Promise<void>;
}

/** How often other processes of this host are looked at, whether they are alive. */
const LIVENESS_MS = 1_000;
/** At most this often are requests to stop looked for, while commits come in. */
const STOP_CHECK_MS = 25;

export function createWorker(deps: RunDeps & HostDep, options: WorkerOptions): Worker {
  return new StoreWorker(deps, options);
}

class StoreWorker implements Worker {
  readonly id: WorkerId;
  readonly #deps: RunDeps & HostDep;
  readonly #options: WorkerOptions;
  readonly #actor: string;
  readonly #identity: Omit<RegisterWorker, "executors" | "labels">;
  /** By what they hold: one that was lost may still be here when its execution was claimed once more. */
  readonly #runs = new Map<string, TaskRun>();
  readonly #ended = new Set<Promise<void>>();
  /** Outcomes that are being recorded and told. */
  readonly #endings = new Set<Promise<void>>();
  readonly #releases: (() => void)[] = [];
  #idleWaiters: { readonly resolve: (idle: Idle) => void; readonly reject: (error: unknown) => void }[] = [];
  #idle: Idle | null = null;
  #state: WorkerState = "new";
  #registered: readonly string[] = [];
  #failure: unknown = null;
  /** Claimed and not ended, those whose journals are on the way among them. */
  #occupied = 0;
  readonly #claimer: Claimer;
  #stopCheck: (() => void) | null = null;
  #starting: Promise<void> | null = null;
  #stopping: Promise<void> | null = null;
  #isStopped = false;
  /** Until when nobody takes over what it holds. */
  #leasedUntil: Millis = 0;
  #confirming: Promise<void> | null = null;

  constructor(deps: RunDeps & HostDep, options: WorkerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.id = asId(deps.random.uuid());
    this.#actor = `worker:${this.id.slice(0, 8)}`;
    this.#claimer = new Claimer({ ...options, deps, worker: this.#asClaiming() });
    const { id: host, pid, startToken } = deps.host;
    const label = `worker ${this.id.slice(0, 8)} (process ${pid})`;
    this.#identity = { id: this.id, host, pid, startToken, label, leaseMs: options.leaseMs };
  }

  #asClaiming(): ClaimingWorker {
    return {
      id: this.id,
      actor: this.#actor,
      state: () => this.#state,
      freePlaces: () => this.#options.concurrency - this.#occupied,
      isBusy: () => this.#isBusy(),
      registered: () => this.#registered,
      register: () => this.#register(),
      endings: () => this.#endings,
      begin: (claimed, executors) => this.#begin(claimed, executors),
      onNothing: (ahead) => this.#rest(ahead),
      onFailure: (error) => this.#fail(error),
    };
  }

  async #register(): Promise<void> {
    const executors = [...this.#options.executors().keys()];
    this.#registered = executors;
    const { labels = [], leaseMs } = this.#options;
    const askedAt = this.#deps.clock.now();
    await this.#deps.store.execute(registerWorker, { ...this.#identity, executors, labels });
    this.#leasedUntil = askedAt + leaseMs;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { store } = this.#deps;
    try {
      await this.#register();
      if (this.#state !== "new") return;
      this.#state = "running";
      // Timers of the clock do not keep a process alive; a worker at work does.
      const keepAlive = setInterval(() => {}, 2 ** 30);
      this.#releases.push(() => clearInterval(keepAlive));
      this.#releases.push(store.onCommit((own) => this.#onCommit(own)));
      this.#every(this.#options.heartbeatMs, () => this.#extendLeases());
      this.#every(LIVENESS_MS, () => this.#recover());
      await this.#recover();
      this.#claimer.claimSoon();
    } catch (error) {
      this.#fail(error);
      this.#release();
      throw error;
    }
  }

  nextIdle(after: number): Promise<Idle> {
    if (this.#state === "failed") return Promise.reject(this.#failure);
    if (this.#isStopped) return Promise.reject(stopped());
    // While it is looking, what it found before says nothing: at the start that was before others' work was taken over.
    if (this.#idle !== null && this.#idle.version > after && this.#isAtRest()) return Promise.resolve(this.#idle);
    return new Promise((resolve, reject) => this.#idleWaiters.push({ resolve, reject }));
  }

  #isAtRest(): boolean {
    return !this.#isBusy() && this.#claimer.isAtRest;
  }

  /** Something runs, or how it ended is not recorded and told yet. */
  #isBusy(): boolean {
    return this.#occupied > 0 || this.#endings.size > 0;
  }

  async drain(deadlineMs: number): Promise<void> {
    if (this.#state === "running") this.#state = "draining";
    let cancelDeadline = (): void => {};
    const deadline = new Promise<void>((resolve) => {
      cancelDeadline = this.#deps.clock.setTimer(deadlineMs, resolve);
    });
    await this.#starting?.catch(() => {});
    // A claim on its way is begun by nobody, and let go when it comes back.
    await this.#claimer.end();
    await Promise.race([Promise.all(this.#ended), deadline]);
    cancelDeadline();
    await this.stop();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#state !== "failed") this.#state = "stopping";
    // What is on its way ends first: a claim that comes back now is not begun, and is let go with the rest below.
    await this.#starting?.catch(() => {});
    this.#stopCheck?.();
    for (const run of this.#runs.values()) run.stop("stopping");
    await this.#claimer.end();
    await Promise.all(this.#ended);
    this.#release();
    this.#isStopped = true;
    for (const waiter of this.#idleWaiters.splice(0)) waiter.reject(stopped());
    if (this.#starting !== null) await this.#remove();
  }

  /** What it holds is let go of. After a failure nobody has to hear of another one: whoever comes next recovers it then. */
  async #remove(): Promise<void> {
    try {
      await this.#deps.store.execute(removeWorker, { workerId: this.id }, { actor: this.#actor });
    } catch (error) {
      if (this.#failure === null) throw error;
    }
  }

  #release(): void {
    for (const release of this.#releases.splice(0)) release();
  }

  #every(intervalMs: number, act: () => Promise<void>): void {
    const onFailure = (error: unknown): void => this.#fail(error);
    const unlessFailed = async (): Promise<void> => (this.#state === "failed" ? undefined : await act());
    this.#releases.push(repeatedly(unlessFailed, { clock: this.#deps.clock, intervalMs, onFailure }));
  }

  #onCommit(own: OwnCommits | undefined): void {
    this.#claimer.onCommit(own);
    this.#checkStopsSoon();
  }

  #checkStopsSoon(): void {
    if (this.#runs.size === 0 || this.#stopCheck !== null) return;
    this.#stopCheck = this.#deps.clock.setTimer(STOP_CHECK_MS, () => {
      this.#stopCheck = null;
      this.#stopWhatMust().catch((error: unknown) => this.#fail(error));
    });
  }

  /** Stops runs that someone asked to stop, or that are no longer this worker's. */
  async #stopWhatMust(): Promise<void> {
    if (this.#runs.size === 0) return;
    const stops = await this.#deps.store.execute(findStops, { holds: this.#holds() });
    for (const hold of stops.interrupted) this.#runs.get(holdName(hold))?.stop("interrupted");
    for (const hold of stops.cancelled) this.#runs.get(holdName(hold))?.stop("cancelled");
    for (const hold of stops.lost) this.#runs.get(holdName(hold))?.stop("lease-lost");
  }

  #holds(): readonly Hold[] {
    return [...this.#runs.values()].map(({ claimed }) => holdOf(claimed));
  }

  async #extendLeases(): Promise<void> {
    const holds = this.#holds();
    const { leaseMs } = this.#options;
    const askedAt = this.#deps.clock.now();
    const { lost, isRegistered } = await this.#deps.store.execute(extendLeases, { workerId: this.id, leaseMs, holds });
    if (isRegistered) this.#leasedUntil = askedAt + leaseMs;
    else if (this.#mayRun()) await this.#register();
    if (lost.length > 0) await this.#stopWhatMust();
  }

  /**
   * A process that was paused, or cut off from its store, comes back to runs that others may have taken over and gone on
   * with. What they recorded must not be done here once more (INV-2), so no step is begun before the lease is sure again.
   */
  async #confirmLease(): Promise<void> {
    if (this.#deps.clock.now() < this.#leasedUntil) return;
    this.#confirming ??= this.#extendLeases().finally(() => {
      this.#confirming = null;
    });
    await this.#confirming;
  }

  /** Takes over from workers whose process is gone, or whose lease ran out. */
  async #recover(): Promise<void> {
    const { executors } = this.#options;
    const recovered = await takeOver(this.#deps, { self: this.id, executors }, { actor: this.#actor });
    if (recovered.length > 0) this.#options.onEvent?.({ kind: "recovered", recovered });
  }

  #mayRun(): boolean {
    return this.#state === "running" || this.#state === "draining";
  }

  /** Says that nothing runs here and nothing that is due can be claimed. */
  #rest({ nextDueAt, isMoreComing }: Ahead): void {
    if (this.#isBusy() || this.#state !== "running") return;
    this.#idle = { version: (this.#idle?.version ?? 0) + 1, nextDueAt, isMoreComing };
    for (const waiter of this.#idleWaiters.splice(0)) waiter.resolve(this.#idle);
  }

  #begin(claimed: Claimed, executors: ReadonlyMap<string, Executor>): void {
    this.#occupied += 1;
    const ended = this.#carryOut(claimed, executors).catch((error: unknown) => this.#fail(error));
    this.#ended.add(ended);
    void ended.then(() => this.#ended.delete(ended));
  }

  async #carryOut(claimed: Claimed, executors: ReadonlyMap<string, Executor>): Promise<void> {
    const outcome = await this.#perform(claimed, executors);
    // The next claim joins the transaction that records this outcome, and sees what it releases.
    const recording = outcome === null ? null : recordOutcome({ ...this.#deps, actor: this.#actor }, claimed, outcome);
    // When a recurring task runs next is worked out first; until then its place is not free.
    if (claimed.task.schedule !== null) await recording;
    this.#runs.delete(holdName(holdOf(claimed)));
    this.#occupied -= 1;
    const ending = this.#tellEnd(claimed, recording).finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
    this.#claimer.claimForFreed(ending);
    await ending;
  }

  async #tellEnd(claimed: Claimed, recording: Promise<RecordedOutcome> | null): Promise<void> {
    const recorded = await recording;
    if (recorded === null) return;
    this.#options.onEvent?.({ kind: "ended", claimed, outcome: recorded.kind, error: recorded.error });
  }

  /** `null` when the worker was told to stop before the run had begun. */
  async #perform(claimed: Claimed, executors: ReadonlyMap<string, Executor>): Promise<RunOutcome | null> {
    const { execution, task } = claimed;
    const executor = executors.get(task.executor);
    assert(executor !== undefined, "only tasks of known executors are claimed");
    const journal = claimed.isResumed ? await this.#deps.store.execute(listSteps, { executionId: execution.id }) : [];
    if (!this.#mayRun()) return null;
    const run = createTaskRun(this.#deps, {
      claimed,
      journal,
      actor: this.#actor,
      graceMs: this.#options.graceMs,
      confirmLease: () => this.#confirmLease(),
    });
    this.#runs.set(holdName(holdOf(claimed)), run);
    // Somebody may have asked it to stop while its journal was on the way.
    if (claimed.isResumed) this.#checkStopsSoon();
    this.#options.onEvent?.({ kind: "started", claimed });
    return await run.perform(executor);
  }

  /** The store failed, or Perdure has a bug: nothing more can be recorded, so nothing more is begun. What was held is recovered by whoever comes next. */
  #fail(error: unknown): void {
    if (this.#state === "failed" || (this.#state === "stopping" && isPerdureError(error, "store-unreachable"))) return;
    this.#state = "failed";
    this.#failure = error;
    void this.#claimer.end();
    this.#stopCheck?.();
    for (const run of this.#runs.values()) run.stop("lease-lost");
    for (const waiter of this.#idleWaiters.splice(0)) waiter.reject(error);
  }
}

function holdOf({ execution }: Claimed): Hold {
  return { executionId: execution.id, fence: execution.fence };
}

function holdName({ executionId, fence }: Hold): string {
  return `${executionId} ${fence}`;
}

function stopped(): PerdureError {
  return new PerdureError("wrong-state", {
    message: "The worker has stopped and comes to rest no more",
    hint: "Create another one to go on working.",
  });
}
