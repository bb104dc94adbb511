/**
 * Where a run pauses for good. Code that must not go on (it waits, was interrupted, lost its lease) is parked on a promise
 * that never settles, instead of being thrown into: user code cannot catch that, and nothing of it runs any more.
 */

import type { StepKind } from "../domain/step.ts";
import type { RunOutcome } from "./run-outcome.ts";

export interface RunGate {
  /** The outcome, once something other than the code itself has decided it. */
  readonly decided: Promise<RunOutcome>;
  /** Decides the outcome. The first decision counts. */
  close(outcome: RunOutcome): void;
  /** Passed before each step: parks for good when the run is closed or is to stop at the next boundary. */
  pass(): Promise<void>;
  /** Never settles. */
  park(): Promise<never>;
  /** Counts `operation` as in flight until it settles. While something is, the run is neither suspended nor stopped. */
  track<T>(operation: Promise<T>): Promise<T>;
  /** Counts `nap` until it settles: the run is not suspended meanwhile, but it may be stopped. */
  nap<T>(nap: Promise<T>): Promise<T>;
  /** Registers a wait and parks. When nothing else is in flight any more, the run is suspended with all its waits. */
  wait(wait: StepKind): Promise<never>;
  /** Runs one of the run's methods, telling it whether others were not finished when it was called. */
  call<T>(method: (isConcurrent: boolean) => Promise<T>): Promise<T>;
  /** Closes with `outcome` at the next step boundary: once nothing is in flight and the code asks for a step or naps. */
  stopAtBoundary(outcome: RunOutcome): void;
}

export function createRunGate(): RunGate {
  let resolveDecided: (outcome: RunOutcome) => void = () => {};
  const decided = new Promise<RunOutcome>((resolve) => {
    resolveDecided = resolve;
  });
  const waits: StepKind[] = [];
  let stopOutcome: RunOutcome | null = null;
  let inFlight = 0;
  let naps = 0;
  let calls = 0;
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

  return {
    decided,
    close,
    park,
    pass() {
      if (!isClosed && stopOutcome === null) return Promise.resolve();
      settleSoon();
      return park();
    },
    async track(operation) {
      inFlight += 1;
      try {
        return await operation;
      } finally {
        inFlight -= 1;
        if (stopOutcome !== null || waits.length > 0) settleSoon();
      }
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
    async call(method) {
      const isConcurrent = calls > 0;
      calls += 1;
      try {
        return await method(isConcurrent);
      } finally {
        calls -= 1;
      }
    },
    stopAtBoundary(outcome) {
      stopOutcome ??= outcome;
      if (naps > 0 || waits.length > 0) settleSoon();
    },
  };
}
