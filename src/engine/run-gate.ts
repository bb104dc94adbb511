/**
 * Where a run pauses for good. Code that must not go on (it waits, was interrupted, lost its lease) is parked on a promise
 * that never settles, instead of being thrown into: user code cannot catch that, and nothing of it runs any more.
 */

import type { StepKind } from "../domain/step.ts";
import type { RunOutcome } from "./run-outcome.ts";

/** What else the code was doing while one call of the run's methods was under way. */
export interface Overlap {
  /** Others were not finished when it was made. */
  readonly atStart: boolean;
  /** Whether any other was under way at any moment of it so far, or code that one of them led to may be about to make another. */
  hasOverlapped(): boolean;
  /** Before it has ended: whether others may come to be. Assumed once calls of this execution have overlapped. */
  mayOverlap(): boolean;
}

export interface RunGate {
  /** The outcome, once something other than the code itself has decided it. */
  readonly decided: Promise<RunOutcome>;
  /** Decides the outcome. The first decision counts. */
  close(outcome: RunOutcome): void;
  /** Passed before each step: parks for good when the run is closed or is to stop at the next boundary. */
  pass(): Promise<void>;
  /** Never settles. */
  park(): Promise<never>;
  /** Counts `operation` as in flight until it settles. While something is, the run is neither suspended nor stopped. As with `call`, nobody has to await it. */
  track<T>(operation: Promise<T>): Promise<T>;
  /** Counts `nap` until it settles: the run is not suspended meanwhile, but it may be stopped. */
  nap<T>(nap: Promise<T>): Promise<T>;
  /** Registers a wait and parks. When nothing else is in flight any more, the run is suspended with all its waits. */
  wait(wait: StepKind): Promise<never>;
  /**
   * Runs one of the run's methods, telling it what else was going on. Whoever calls it may leave the promise alone: a
   * rejection nobody awaits (`Promise.all` took another, the code ended) must not end the process.
   */
  call<T>(method: (overlap: Overlap) => Promise<T>): Promise<T>;
  /** Whether something is in flight. */
  isBusy(): boolean;
  /** Closes with `outcome` once nothing is in flight, whatever the code does. */
  finish(outcome: RunOutcome): void;
  /** Closes with `outcome` at the next step boundary: once nothing is in flight and the code asks for a step or naps. The latest outcome counts. */
  stopAtBoundary(outcome: RunOutcome): void;
}

/** `hasOverlapped` says whether calls of an earlier run of this execution did. */
export function createRunGate({ hasOverlapped }: { readonly hasOverlapped: boolean }): RunGate {
  let resolveDecided: (outcome: RunOutcome) => void = () => {};
  const decided = new Promise<RunOutcome>((resolve) => {
    resolveDecided = resolve;
  });
  const waits: StepKind[] = [];
  let stopOutcome: RunOutcome | null = null;
  let inFlight = 0;
  let naps = 0;
  const calls = new Set<{ overlapped: boolean }>();
  /** Calls that overlapped have ended in this turn of the event loop: what they led to may be asked for only in a moment. */
  let isAfterOverlap = false;
  let everOverlapped = hasOverlapped;
  let isClosed = false;

  const park = (): Promise<never> => new Promise<never>(() => {});
  const close = (outcome: RunOutcome): void => {
    isClosed = true;
    resolveDecided(outcome);
  };
  /** In a later turn of the event loop, so that code released by the last operation can ask for its next step first. */
  const settleSoon = (): void => {
    setImmediate(() => {
      if (isClosed || inFlight > 0) return;
      if (stopOutcome !== null) close(stopOutcome);
      else if (waits.length > 0 && naps === 0) close({ kind: "suspended", waits: [...waits] });
    });
  };

  const endCall = async <T>(
    method: (overlap: Overlap) => Promise<T>,
    own: { readonly overlapped: boolean; readonly isAfterOverlap: boolean },
  ): Promise<T> => {
    const atStart = own.overlapped;
    const didOverlap = (): boolean => own.overlapped || own.isAfterOverlap;
    try {
      return await method({
        atStart,
        hasOverlapped: didOverlap,
        mayOverlap: () => didOverlap() || everOverlapped,
      });
    } finally {
      calls.delete(own);
      if (own.overlapped && !isAfterOverlap) {
        isAfterOverlap = true;
        setImmediate(() => {
          isAfterOverlap = false;
        });
      }
    }
  };

  return {
    decided,
    close,
    park,
    pass() {
      if (!isClosed && stopOutcome === null) return Promise.resolve();
      settleSoon();
      return park();
    },
    track(operation) {
      inFlight += 1;
      const result = operation.finally(() => {
        inFlight -= 1;
        if (stopOutcome !== null || waits.length > 0) settleSoon();
      });
      result.catch(() => {});
      return result;
    },
    async nap(nap) {
      naps += 1;
      try {
        return await nap;
      } finally {
        naps -= 1;
        if (waits.length > 0) settleSoon();
      }
    },
    wait(wait) {
      waits.push(wait);
      settleSoon();
      return park();
    },
    call(method) {
      const own = { overlapped: calls.size > 0, isAfterOverlap };
      everOverlapped ||= own.overlapped;
      // All but a lone one have been marked when the one before them was made.
      if (calls.size === 1) for (const other of calls) other.overlapped = true;
      calls.add(own);
      const result = endCall(method, own);
      result.catch(() => {});
      return result;
    },
    isBusy: () => inFlight > 0,
    finish(outcome) {
      stopOutcome = outcome;
      settleSoon();
    },
    stopAtBoundary(outcome) {
      stopOutcome = outcome;
      if (naps > 0 || waits.length > 0) settleSoon();
    },
  };
}
