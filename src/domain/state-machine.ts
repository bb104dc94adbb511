/** A table of states and the verbs that lead from one to another; a wrong transition is refused by name. */

import { PerdureError } from "../base/errors.ts";

export type Transitions<State extends string, Verb extends string> = {
  readonly [V in Verb]: { readonly from: readonly State[]; readonly to: State };
};

export interface StateMachine<State extends string, Verb extends string> {
  /** What the machine is of, for messages: `task`, `step`. */
  readonly noun: string;
  readonly transitions: Transitions<State, Verb>;
}

/** A machine whose states and verbs are not known by type: for code that works on any. */
export interface AnyStateMachine {
  readonly noun: string;
  readonly transitions: Readonly<Record<string, { readonly from: readonly string[]; readonly to: string }>>;
}

/** Whether any verb leads from one state to the other. */
export function leadsTo(machine: AnyStateMachine, from: string, to: string): boolean {
  return Object.values(machine.transitions).some((rule) => rule.to === to && rule.from.includes(from));
}

/** The state `verb` leads to. @throws PerdureError `wrong-state` naming the thing, the verb, its state and what would be allowed. */
export function transition<State extends string, Verb extends string>(
  machine: StateMachine<State, Verb>,
  subject: { readonly name: string; readonly from: State },
  verb: Verb,
): State {
  const { from, to } = machine.transitions[verb];
  if (from.includes(subject.from)) return to;
  throw new PerdureError("wrong-state", {
    message: `Cannot ${verb.replaceAll("_", " ")} ${machine.noun} ${subject.name}: it is ${subject.from}`,
    hint: `Only a ${machine.noun} that is ${orList(from)} allows this.`,
    details: { noun: machine.noun, name: subject.name, status: subject.from, verb },
  });
}

function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
