/** Which executors a task may name here. */

import { PerdureError } from "../base/errors.ts";
import { COMMAND_EXECUTOR, GROUP_EXECUTOR, MANUAL_EXECUTOR } from "../domain/task.ts";

/** There without anyone defining them. */
const BUILT_IN: ReadonlySet<string> = new Set([COMMAND_EXECUTOR, MANUAL_EXECUTOR, GROUP_EXECUTOR]);

/** Named in design and contract; later versions bring them. */
const NOT_YET: Readonly<Record<string, string>> = {
  code: "code: tasks (sandboxed JavaScript)",
  agent: "agent: tasks (AI agents)",
  acp: "agent: acp:… tasks (coding agents)",
};

export interface NamedExecutor {
  readonly executor: string;
  /** What messages call the task, such as `plan.yaml:3: task build`. */
  readonly task: string;
}

/**
 * @throws PerdureError `unsupported` for an executor of a later version; `invalid-plan` for one nobody defined.
 */
export function refuseUnknownExecutor({ executor, task }: NamedExecutor, known: ReadonlySet<string>): void {
  if (BUILT_IN.has(executor) || known.has(executor)) return;
  const later = NOT_YET[executor];
  if (later !== undefined) {
    throw new PerdureError("unsupported", {
      message: `${task} cannot be carried out: ${later} are not part of this version of Perdure yet`,
      hint: "Use run: (a shell line), manual:, or executor: with a function of your own. Nothing was submitted.",
      details: { executor },
    });
  }
  throw new PerdureError("invalid-plan", {
    message: `${task} names executor ${JSON.stringify(executor)}, which is not defined`,
    hint: `Known: ${[...BUILT_IN, ...known].filter((name) => name !== GROUP_EXECUTOR).join(", ")}. Modules listed under executors: in perdure.yaml define more.`,
    details: { executor },
  });
}

/** Whether a task may name it without a look at what this process defines. */
export function isBuiltInExecutor(executor: string): boolean {
  return BUILT_IN.has(executor);
}
