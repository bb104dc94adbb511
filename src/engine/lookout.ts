/** After a claim that left room: finds out what comes due next, and gives the alarm when it does. */

import type { ClockDep, Millis } from "../base/clock.ts";
import type { Ahead } from "../store/commands/claims.ts";
import { lookAhead } from "../store/commands/claims.ts";
import type { ClaimScope } from "../store/commands/ready-tasks.ts";
import { earliest } from "../store/commands/ready-tasks.ts";
import type { StoreDep } from "../store/port.ts";

export interface LookoutOptions {
  readonly deps: StoreDep & ClockDep;
  /** Something came due. */
  readonly onDue: () => void;
  readonly onAhead: (ahead: Ahead) => void;
  readonly onFailure: (error: unknown) => void;
}

/** What the claim had looked at. */
export interface Looked {
  readonly scope: ClaimScope;
  readonly at: Millis;
  readonly opensAt: Millis | null;
}

/** While something runs its end may be before long, and another claim with it: what comes due is looked up so much later. */
const LATER_MS = 25;

export class Lookout {
  readonly #options: LookoutOptions;
  #looks = 0;
  #isToLook = false;
  #cancelLook = (): void => {};
  #cancelAlarm = (): void => {};

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  look(looked: Looked, { isUrgent }: { readonly isUrgent: boolean }): void {
    this.interrupt();
    if (isUrgent) return void this.#look(looked);
    this.#isToLook = true;
    this.#cancelLook = this.#options.deps.clock.setTimer(LATER_MS, () => void this.#look(looked));
  }

  /** One that is to come anyway is not put off: it sees what was recorded by then. */
  ensureLook(looked: Looked): void {
    if (!this.#isToLook) this.look(looked, { isUrgent: false });
  }

  /** Another claim begins: what comes due after the last one is of no interest. The alarm stays set. */
  interrupt(): void {
    this.#looks += 1;
    this.#isToLook = false;
    this.#cancelLook();
  }

  /** An answer that is still on its way is not waited for: a server that fell silent would hold up the worker's end. */
  stop(): void {
    this.interrupt();
    this.#cancelAlarm();
  }

  async #look({ scope, at, opensAt }: Looked): Promise<void> {
    const look = this.#looks;
    this.#isToLook = false;
    const { store, clock } = this.#options.deps;
    try {
      const ahead = await store.execute(lookAhead, { ...scope, after: at });
      if (look !== this.#looks) return;
      const nextDueAt = earliest(opensAt, ahead.nextDueAt);
      this.#cancelAlarm();
      if (nextDueAt !== null) this.#cancelAlarm = clock.setTimer(nextDueAt - clock.now(), this.#options.onDue);
      this.#options.onAhead({ ...ahead, nextDueAt });
    } catch (error) {
      if (look === this.#looks) this.#options.onFailure(error);
    }
  }
}
