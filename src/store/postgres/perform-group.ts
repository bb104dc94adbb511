/**
 * Runs the calls of a group inside a transaction: at once, or each apart from the others so that it alone can fail. Calls
 * that stand by follow when a task may have become ready.
 */

import { isPerdureError } from "../../base/errors.ts";
import type { CommandContext } from "../command.ts";
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

export interface Group extends Omit<Performing, "contextOf"> {
  /** What stood by and is carried out with them is added. */
  readonly calls: Call[];
  readonly isApart: boolean;
  readonly standing: { all(): readonly Call[]; take(): readonly Call[] };
  contextOf(call: Call, noteReady: () => void): CommandContext;
}

export interface Performed {
  readonly outcomes: readonly Outcome[];
  /** A task may have become ready. */
  readonly isReadying: boolean;
}

export async function performGroup({ calls, isApart, standing, ...group }: Group): Promise<Performed> {
  const { transaction } = group;
  // What is not noted is taken for granted, but only what is noted is worth a claim in this very transaction.
  let isReadying = false;
  let isNoted = false;
  const noteReady = (): void => {
    isNoted = true;
    isReadying = true;
  };
  const contextOf = (call: Call): CommandContext => {
    if (call.command.notesReady !== true) isReadying = true;
    return group.contextOf(call, noteReady);
  };
  const perform = (some: readonly Call[]): Promise<readonly Outcome[]> =>
    isApart ? performApart({ ...group, contextOf }, some) : performAtOnce({ ...group, contextOf }, some);
  const makesTasks = (rowsToInsert(calls).tasks ?? 0) > 0;
  // New tasks will most likely be claimed.
  transaction.reserve(rowsToInsert(makesTasks ? [...calls, ...standing.all().map(withLatestInput)] : calls));
  const outcomes = await perform(calls);
  const added = isNoted ? standing.take().map(withLatestInput) : [];
  if (added.length === 0) return { outcomes, isReadying };
  calls.push(...added);
  if (!makesTasks) transaction.reserve(rowsToInsert(added));
  return { outcomes: [...outcomes, ...(await perform(added))], isReadying };
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
