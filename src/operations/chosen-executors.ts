/** Which of the executors a process has its worker uses. */

import { PerdureError } from "../base/errors.ts";
import type { Executor } from "../engine/executor.ts";

/** All, when no names are given. @throws PerdureError `invalid-input` for one that this process does not have */
export function chosenExecutors(
  all: ReadonlyMap<string, Executor>,
  names: readonly string[] | undefined,
): ReadonlyMap<string, Executor> {
  if (names === undefined) return all;
  const chosen = new Map<string, Executor>();
  for (const name of names) {
    const executor = all.get(name);
    if (executor === undefined) {
      throw new PerdureError("invalid-input", {
        message: `This process has no executor ${JSON.stringify(name)}`,
        hint: `It has: ${[...all.keys()].join(", ")}. Modules listed under executors: in perdure.yaml define more.`,
      });
    }
    chosen.set(name, executor);
  }
  return chosen;
}
