/** Calls that wait for others to share a commit with. */

export class Standby {
  readonly decided: Promise<"go" | "drop">;
  #decide: (what: "go" | "drop") => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<"go" | "drop">();
    this.decided = promise;
    this.#decide = resolve;
  }

  /** It waits no longer. */
  go(): void {
    this.#decide("go");
  }

  /** Nobody wants its result any more: it fails with `Dropped`, unless it is being carried out. */
  drop(): void {
    this.#decide("drop");
  }
}

export class Dropped extends Error {
  constructor() {
    super("the call was dropped before it was carried out");
    this.name = "Dropped";
  }
}

interface StandingCall {
  readonly reject: (error: unknown) => void;
}

/** The calls of a store that stand by. */
export class StandingCalls<Call extends StandingCall> {
  readonly #calls = new Set<Call>();

  add(call: Call, { standby, enqueue }: { readonly standby: Standby; readonly enqueue: (call: Call) => void }): void {
    this.#calls.add(call);
    void standby.decided.then((what) => {
      if (!this.#calls.delete(call)) return;
      if (what === "go") enqueue(call);
      else call.reject(new Dropped());
    });
  }

  all(): readonly Call[] {
    return [...this.#calls];
  }

  /** All of them, to be carried out now. */
  take(): readonly Call[] {
    const calls = [...this.#calls];
    this.#calls.clear();
    return calls;
  }
}
