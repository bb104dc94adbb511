/**
 * Asks for work on behalf of a worker: whenever something may have become ready and a place is free, and one call at a time.
 * Where the store lets calls stand by, a claim that found nothing stays behind as the next one, to be carried out together
 * with what this process adds.
 */

import type { WorkerId } from "../domain/ids.ts";
import type { Claimed } from "../store/commands/claim-row.ts";
import type { Ahead, ClaimResult, ClaimTasks } from "../store/commands/claims.ts";
import { claimTasks } from "../store/commands/claims.ts";
import { planOccurrence } from "../store/commands/plan-occurrence.ts";
import { releaseHold } from "../store/commands/executions.ts";
import type { OwnCommits } from "../store/port.ts";
import { Dropped, Standby } from "../store/standby.ts";
import type { Executor } from "./executor.ts";
import type { Looked } from "./lookout.ts";
import { Lookout } from "./lookout.ts";
import { planOverdue } from "./occurrences.ts";
import type { RunDeps } from "./run-context.ts";
import type { WorkerOptions } from "./worker-options.ts";

export type WorkerState = "new" | "running" | "draining" | "stopping" | "failed";

/** What the claimer asks of its worker. */
export interface ClaimingWorker {
  readonly id: WorkerId;
  readonly actor: string;
  state(): WorkerState;
  /** How many runs it has a place for. */
  freePlaces(): number;
  isBusy(): boolean;
  /** The executors it is registered with. */
  registered(): readonly string[];
  register(): Promise<void>;
  /** Outcomes that are being recorded and told. */
  endings(): Iterable<Promise<void>>;
  begin(claimed: Claimed, executors: ReadonlyMap<string, Executor>): void;
  /** There is nothing to claim now. */
  onNothing(ahead: Ahead): void;
  onFailure(error: unknown): void;
}

export interface ClaimerOptions extends Pick<WorkerOptions, "executors" | "labels" | "sessionId"> {
  readonly deps: RunDeps;
  readonly worker: ClaimingWorker;
}

/** A claim on its way. */
interface Offer {
  readonly input: ClaimTasks;
  /** What it may be made ready by. */
  readonly endings: Promise<void>[];
  readonly standby: Standby | null;
  /** It has had its turn: what comes about from now on it may not see. */
  isCarriedOut: boolean;
}

/** Most tasks claimed by one call, so that a large worker does not hold up the event loop. One less than a power of two, as the store looks for one more. */
const MOST_AT_ONCE = 31;

export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #lookout: Lookout;
  #offer: Offer | null = null;
  #isClaiming = false;
  #isToClaimAgain = false;
  #inFlight: Promise<void> = Promise.resolve();
  /** The newest of the store's own commits that the last claim has seen. */
  #claimedAtCommit = 0;
  /** The last claim left nothing behind: only what becomes ready or due after it is worth another one. */
  #exhausted: Looked | null = null;
  #isAtRest = false;

  constructor(options: ClaimerOptions) {
    this.#options = options;
    this.#lookout = new Lookout({
      deps: options.deps,
      onDue: () => this.claimSoon(),
      onAhead: (ahead) => {
        this.#isAtRest = !options.worker.isBusy();
        options.worker.onNothing(ahead);
      },
      onFailure: (error) => options.worker.onFailure(error),
    });
  }

  /** Nothing was claimed since it told of nothing to claim, and nothing is being asked for. */
  get isAtRest(): boolean {
    return this.#isAtRest;
  }

  claimSoon(): void {
    this.#exhausted = null;
    const { standby = null, isCarriedOut = false } = this.#offer ?? {};
    if (standby !== null && !isCarriedOut) this.#go(standby);
    else if (this.#isClaiming) this.#isToClaimAgain = true;
    else this.#start(null);
  }

  /** Something was committed; `own` as the store tells it. */
  onCommit(own: OwnCommits | undefined): void {
    const newest = this.#whatIsExhausted() === null ? own?.newest : own?.newestReadying;
    if (newest === undefined || newest > this.#claimedAtCommit) this.claimSoon();
  }

  /** A place became free by `ending`: a claim that has not had its turn takes it along. */
  claimForFreed(ending: Promise<void>): void {
    this.#offer?.endings.push(ending);
    if (this.#whatIsExhausted() !== null) {
      this.#standBy();
      // What the ending leads to is recorded when it is looked what comes due, and nobody rests before.
      const look = (): void => {
        if (this.#exhausted !== null && this.#isOpen()) this.#lookout.ensureLook(this.#exhausted);
      };
      void ending.then(look, look);
    } else if (this.#offer === null) this.claimSoon();
    else if (this.#offer.standby !== null) this.#go(this.#offer.standby);
  }

  /** `null` also when other executors were defined since: their tasks were not looked at. */
  #whatIsExhausted(): Looked | null {
    const { executors, worker } = this.#options;
    return isOther(executors(), worker.registered()) ? null : this.#exhausted;
  }

  #isOpen(): boolean {
    return this.#options.worker.state() === "running" && this.#limit() > 0;
  }

  /** What stood by is asked for now: until it is answered nobody rests. */
  #go(standby: Standby): void {
    this.#leaveRest();
    standby.go();
  }

  /** The worker claims nothing more: resolves when nothing is on its way. */
  async end(): Promise<void> {
    this.#lookout.stop();
    this.#offer?.standby?.drop();
    await this.#inFlight;
    this.#lookout.stop();
  }

  #start(standby: Standby | null): void {
    this.#inFlight = this.#claim(standby).catch((error: unknown) => this.#options.worker.onFailure(error));
  }

  #limit(): number {
    return Math.min(MOST_AT_ONCE, this.#options.worker.freePlaces());
  }

  async #claim(standby: Standby | null): Promise<void> {
    const { worker, deps, sessionId, labels = [] } = this.#options;
    const limit = this.#limit();
    if (worker.state() !== "running" || limit <= 0) return;
    if (standby === null) this.#leaveRest();
    this.#isClaiming = true;
    this.#isToClaimAgain = false;
    const executors = this.#options.executors();
    if (isOther(executors, worker.registered())) await worker.register();
    const input = { workerId: worker.id, executors: [...executors.keys()], labels, sessionId, limit };
    if (standby !== null && worker.state() !== "running") return;
    const offer: Offer = { input, endings: [...worker.endings()], standby, isCarriedOut: false };
    const result = await this.#ask(offer);
    if (result === null) return;
    this.#leaveRest();
    const looked = { ...result, scope: input };
    this.#exhausted = result.isExhausted && deps.store.standsBy === true ? looked : null;
    // Places that became free too late for this claim.
    if (this.#exhausted === null && this.#limit() > result.limit) this.#isToClaimAgain = true;
    // What this claim was made ready by is recorded by now; it is told before what follows from it.
    await Promise.allSettled(offer.endings);
    if (worker.state() !== "running") return await this.#giveBack(result.claimed);
    for (const claimed of result.claimed) worker.begin(claimed, executors);
    // Taken for dead while the process was paused: what it held is gone, and it may claim again once it is known again.
    if (result.isLeaseOver) await worker.register();
    await this.#planOverdue(result);
    this.#isClaiming = false;
    const mayHaveMore = result.isMoreReady || result.overdue.length > 0 || result.isLeaseOver;
    const hasOthers = isOther(this.#options.executors(), worker.registered());
    if (this.#isToClaimAgain || mayHaveMore || hasOthers) return this.claimSoon();
    this.#awaitMore(looked);
  }

  /** Looks what comes due, and asks for what is added, if there is a place for it. */
  #awaitMore(looked: Looked): void {
    if (!this.#isOpen()) return;
    const { worker, deps } = this.#options;
    // Where a look is dear, and is interrupted by what this process adds next, it waits a little even when nothing runs.
    this.#lookout.look(looked, { isUrgent: !worker.isBusy() && deps.store.standsBy !== true });
    this.#standBy();
  }

  #standBy(): void {
    if (this.#options.deps.store.standsBy === true && !this.#isClaiming && this.#isOpen()) this.#start(new Standby());
  }

  /** `null` when it was dropped while it stood by. */
  async #ask(offer: Offer): Promise<ClaimResult | null> {
    const { input, standby } = offer;
    this.#offer = offer;
    try {
      return await this.#options.deps.store.execute(claimTasks, input, {
        actor: this.#options.worker.actor,
        onCommitted: (number) => {
          this.#claimedAtCommit = number;
        },
        // With the places that became free by calls that are carried out before it.
        latestInput: () => {
          offer.isCarriedOut = true;
          return { ...input, limit: this.#limit() };
        },
        ...(standby === null ? {} : { standby }),
      });
    } catch (error) {
      if (error instanceof Dropped) return null;
      throw error;
    } finally {
      this.#offer = null;
    }
  }

  #leaveRest(): void {
    this.#isAtRest = false;
    this.#lookout.interrupt();
  }

  /** Claimed while the worker was told to drain: others take it up at once. One that stops gives all it holds back at its end. */
  async #giveBack(claims: readonly Claimed[]): Promise<void> {
    const { worker, deps } = this.#options;
    if (worker.state() !== "draining") return;
    for (const { execution } of claims) {
      const hold = { executionId: execution.id, fence: execution.fence };
      await deps.store.execute(releaseHold, { hold, why: "its worker ends" }, { actor: worker.actor });
    }
  }

  async #planOverdue(result: ClaimResult): Promise<void> {
    const { worker, deps } = this.#options;
    for (const task of result.overdue) {
      const plan = await planOverdue(task, deps.clock.now());
      if (plan !== null) await deps.store.execute(planOccurrence, plan, { actor: worker.actor });
    }
  }
}

function isOther(executors: ReadonlyMap<string, Executor>, registered: readonly string[]): boolean {
  return executors.size !== registered.length || registered.some((name) => !executors.has(name));
}
