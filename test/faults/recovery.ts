/** How long the tasks that a fault met took to go on: from the fault, or from its end, to the first thing recorded of each. */

import type { RawChange } from "../../src/store/rebuild.ts";

export interface Fault {
  readonly name: string;
  /** When what it met could go on again: at once when others are there to take over, else when the fault was over. */
  readonly from: number;
  /** The executions that ran there. */
  readonly executions: readonly string[];
}

export interface Recovery {
  readonly fault: string;
  readonly affected: number;
  readonly slowestMs: number;
}

export function recoveries(changes: readonly RawChange[], faults: readonly Fault[]): readonly Recovery[] {
  const progress = new Map<string, number[]>();
  const completed = new Map<string, number>();
  for (const change of changes) {
    const execution = progressOf(change);
    if (execution === null) continue;
    progress.set(execution, [...(progress.get(execution) ?? []), change.at]);
    if (change.verb === "complete" && change.entity === "executions") completed.set(execution, change.at);
  }
  return faults.map(({ name, from, executions }) => {
    // What came to its end before was not met.
    const met = executions.filter((execution) => (completed.get(execution) ?? Number.POSITIVE_INFINITY) >= from);
    const waits = met.map((execution) => {
      const next = progress.get(execution)?.find((at) => at >= from);
      return next === undefined ? Number.POSITIVE_INFINITY : next - from;
    });
    return { fault: name, affected: met.length, slowestMs: Math.max(0, ...waits) };
  });
}

/** The execution that a change shows at work: it was claimed again, a step of it was recorded, or it ended. */
function progressOf({ entity, verb, rowKey }: RawChange): string | null {
  if (entity === "steps") return String((JSON.parse(rowKey) as readonly unknown[])[0]);
  return entity === "executions" && verb !== "recover" && verb !== "release" ? rowKey : null;
}
