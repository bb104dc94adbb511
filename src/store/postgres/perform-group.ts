/**
 * Runs the calls of a group inside a transaction: at once, or each apart from the others so that it alone can fail. Calls
 * that stand by follow when a task may have become ready.
 */

import { isPerdureError } from "../../base/errors.ts";
import type { CommandContext } from "../command.ts";
import type { NotedChange } from "../ready-notes.ts";
import { ReadyNotes } from "../ready-notes.ts";
import type { Call, Outcome } from "./calls.ts";
import { equalRuns, withLatestInput } from "./calls.ts";
import { fromPostgresError, isFromServer, isTransient } from "./postgres-errors.ts";
import type { RowCounts } from "./numbering.ts";
import type { Transaction } from "./transaction.ts";

interface Performing {
  readonly transaction: Transaction;
  readonly contextOf: (call: Call) => CommandContext;
  /** Of the database, for messages. */
  readonly location: string;
}

export interface Group extends Performing {
  /** What stood by and is carried out with them is added. */
  readonly calls: Call[];
  readonly isApart: boolean;
  readonly standing: { all(): readonly Call[]; take(): readonly Call[] };
  /** Whether a claim may take what was made ready with it without looking for more, on condition that there is no more. */
  readonly mayPresume: boolean;
}

export interface Performed {
  readonly outcomes: readonly Outcome[];
  /** A task may have become ready. */
  readonly isReadying: boolean;
}

export async function performGroup({ calls, isApart, standing, mayPresume, ...group }: Group): Promise<Performed> {
  const { transaction } = group;
  // What is not noted is taken for granted, but only what is noted is worth a claim in this very transaction.
  const notes = new ReadyNotes();
  let isAllNoted = true;
  const contextOf = (call: Call): CommandContext => {
    if (call.command.notesReady !== true) {
      isAllNoted = false;
      notes.noteUnknown();
    }
    const noteChange = (change: NotedChange): void => {
      notes.note(change);
      transaction.presumptions.noteChange(change);
    };
    return { ...group.contextOf(call), noteChange };
  };
  const contextOfAdded = (call: Call): CommandContext =>
    mayPresume ? { ...contextOf(call), newlyReady: () => notes.made } : contextOf(call);
  const perform = (some: readonly Call[], performing: Performing): Promise<readonly Outcome[]> =>
    isApart ? performApart(performing, some) : performAtOnce(performing, some);
  const makesTasks = (rowsToInsert(calls).tasks ?? 0) > 0;
  // New tasks will most likely be claimed.
  transaction.reserve(rowsToInsert(makesTasks ? [...calls, ...standing.all().map(withLatestInput)] : calls));
  const outcomes = await perform(calls, { ...group, contextOf });
  const added = notes.isReadying ? standing.take().map(withLatestInput) : [];
  if (added.length === 0) return { outcomes, isReadying: notes.isReadying || !isAllNoted };
  calls.push(...added);
  if (!makesTasks) transaction.reserve(rowsToInsert(added));
  const ofAdded = await perform(added, { ...group, contextOf: contextOfAdded });
  return { outcomes: [...outcomes, ...ofAdded], isReadying: true };
}

/** By table, as far as the commands say. */
function rowsToInsert(calls: readonly Call[]): RowCounts {
  const counts: Record<string, number> = {};
  for (const { command, input } of calls) {
    for (const [table, count] of Object.entries(command.inserts?.(input) ?? {}))
      counts[table] = (counts[table] ?? 0) + count;
  }
  return counts;
}

async function performAtOnce(
  { transaction, contextOf }: Performing,
  group: readonly Call[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const calls of equalRuns(group)) {
    const [first] = calls;
    const { command } = first;
    if (calls.length > 1 && command.performTogether !== undefined) {
      const inputs = calls.map((call) => call.input);
      const results = await transaction.drive(command.performTogether(contextOf(first), inputs));
      outcomes.push(...calls.map((call, at) => ({ call, result: results[at] })));
      continue;
    }
    for (const call of calls) {
      const before = transaction.writes;
      try {
        const result = await transaction.drive(call.command.perform(contextOf(call), call.input));
        outcomes.push({ call, result });
      } catch (error) {
        // Refused before it wrote anything: the others need not be done again.
        if (transaction.writes > before || !isPerdureError(error)) throw error;
        outcomes.push({ call, error });
      }
    }
  }
  return outcomes;
}

async function performApart(
  { transaction, contextOf, location }: Performing,
  group: readonly Call[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const call of group) {
    const goBack = await transaction.savepoint();
    try {
      const result = await transaction.drive(call.command.perform(contextOf(call), call.input));
      await transaction.settle();
      transaction.release();
      outcomes.push({ call, result });
    } catch (error) {
      if (isTransient(error)) throw error;
      await goBack();
      outcomes.push({
        call,
        error: isFromServer(error) ? fromPostgresError(error, location) : error,
      });
    }
  }
  return outcomes;
}
