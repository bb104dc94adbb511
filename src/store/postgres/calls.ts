/** The calls that wait for a transaction, and how they are put in groups. */

import type { CommandDefinition } from "../command.ts";

export interface Call {
  readonly command: CommandDefinition<unknown, unknown>;
  readonly input: unknown;
  readonly actor: string;
  readonly latestInput: (() => unknown) | undefined;
  readonly onCommitted: ((number: number) => void) | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export type Outcome =
  | { readonly call: Call; readonly result: unknown }
  | { readonly call: Call; readonly error: unknown };

export function withLatestInput(call: Call): Call {
  return call.latestInput === undefined ? call : { ...call, input: call.latestInput() };
}

/** Those that gain by seeing what others do go behind them. */
export function impatientFirst(calls: readonly Call[]): readonly Call[] {
  const [patient = [], others = []] = [true, false].map((wanted) =>
    calls.filter(({ command }) => (command.isPatient === true) === wanted),
  );
  return [...others, ...patient];
}

/** Runs of calls of the same command by the same actor, in order. */
export function equalRuns(group: readonly Call[]): readonly (readonly [Call, ...Call[]])[] {
  const runs: [Call, ...Call[]][] = [];
  for (const call of group) {
    const last = runs.at(-1);
    if (last !== undefined && last[0].command === call.command && last[0].actor === call.actor) last.push(call);
    else runs.push([call]);
  }
  return runs;
}

/** @param commit The number of their commit. */
export function settle(outcomes: readonly Outcome[], commit: number): void {
  for (const outcome of outcomes) {
    outcome.call.onCommitted?.(commit);
    if ("error" in outcome) outcome.call.reject(outcome.error);
    else outcome.call.resolve(outcome.result);
  }
}
