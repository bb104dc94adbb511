/**
 * The journal of one run, in memory: loaded once, then asked step by step. Pure: it decides which record belongs to what
 * the code asks for, and refuses when the code asks for something else than it did before.
 *
 * Steps asked for one after another must come in the recorded order. Steps that overlapped with others are matched by
 * name alone, because their order may differ from run to run. So are steps recorded after one that failed and is tried
 * again: they were on the way out of an attempt that failed (a clean-up), and this attempt may take another way.
 */

import { PerdureError } from "../base/errors.ts";
import type { Step } from "../domain/step.ts";

export interface AskedStep {
  readonly position: number;
  /** With its index when the name repeats. */
  readonly name: string;
  /** What is recorded for it, if anything. */
  readonly recorded: Step | null;
}

export interface Journal {
  /**
   * The step the code asks for next. `isConcurrent` says that others are in flight at this moment, so that nothing can be
   * said of what came before.
   *
   * @throws PerdureError `journal-mismatch` naming what was asked for and what is recorded in its place.
   */
  ask(name: string, isConcurrent: boolean): AskedStep;
  /** How often it was asked while nothing else was in flight. */
  readonly askCount: number;
  /** At the end of a run: @throws PerdureError `journal-mismatch` when the code never asked for a step that is recorded. */
  assertAllAsked(): void;
}

/** `steps` in their order; `attempt` is the one under way. */
export function createJournal(steps: readonly Step[], { attempt }: { readonly attempt: number }): Journal {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const sequential = stepsDueInOrder(steps, attempt);
  const asked = new Set<string>();
  const timesAsked = new Map<string, number>();
  let nextPosition = steps.reduce((highest, step) => Math.max(highest, step.position), -1) + 1;
  let nextSequential = 0;
  let askCount = 0;

  /** The first step recorded in sequence that was not asked for yet. */
  const expected = (): Step | null => {
    while (asked.has(sequential[nextSequential]?.name ?? "")) nextSequential += 1;
    return sequential[nextSequential] ?? null;
  };

  return {
    get askCount() {
      return askCount;
    },
    ask(baseName, isConcurrent) {
      const name = uniqueName(baseName.toWellFormed(), timesAsked);
      if (!isConcurrent) askCount += 1;
      const recorded = byName.get(name) ?? null;
      const due = expected();
      if (due !== null && due.name !== name && (recorded === null || due.position < recorded.position)) {
        throw mismatch(`asks for step ${JSON.stringify(name)}`, due);
      }
      asked.add(name);
      if (recorded !== null) return { position: recorded.position, name, recorded };
      const position = nextPosition;
      nextPosition += 1;
      return { position, name, recorded: null };
    },
    assertAllAsked() {
      const due = expected();
      if (due !== null) throw mismatch("ended", due);
    },
  };
}

/** Those the code is bound to ask for, and in this order. */
function stepsDueInOrder(steps: readonly Step[], attempt: number): readonly Step[] {
  let newestAttempt = 0;
  return steps.filter((step) => {
    const isBound = !step.isConcurrent && step.attempt >= newestAttempt;
    newestAttempt = Math.max(newestAttempt, isTriedAgain(step, attempt) ? attempt : step.attempt);
    return isBound;
  });
}

/** Whether a recorded step is carried out anew when it is asked for in `attempt`. */
export function isTriedAgain(step: Step, attempt: number): boolean {
  return step.status === "failed" && !step.isHandled && step.attempt !== attempt;
}

function uniqueName(baseName: string, timesAsked: Map<string, number>): string {
  const times = (timesAsked.get(baseName) ?? 0) + 1;
  timesAsked.set(baseName, times);
  return times === 1 ? baseName : `${baseName}#${times}`;
}

function mismatch(whatTheCodeDid: string, due: Step): PerdureError {
  return new PerdureError("journal-mismatch", {
    message: `The code ${whatTheCodeDid} where the journal has step ${JSON.stringify(due.name)} at position ${due.position}`,
    hint: "The code changed, or chooses its steps by something that is not recorded. Bring back the recorded order, or put what varies (time, chance, input) into a step.",
    details: { recorded: due.name, position: due.position, executionId: due.executionId },
  });
}
