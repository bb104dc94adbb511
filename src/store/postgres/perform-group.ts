/** Runs the calls of a group inside a transaction: at once, or each apart from the others so that it alone can fail. */

import { isPerdureError } from "../../base/errors.ts";
import type { CommandContext } from "../command.ts";
import type { Call, Outcome } from "./calls.ts";
import { equalRuns } from "./calls.ts";
import { fromPostgresError, isFromServer, isTransient } from "./postgres-errors.ts";
import type { Transaction } from "./transaction.ts";

interface Performing {
  readonly transaction: Transaction;
  readonly contextOf: (actor: string) => CommandContext;
  /** Of the database, for messages. */
  readonly location: string;
}

export async function performAtOnce(
  { transaction, contextOf }: Performing,
  group: readonly Call[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const calls of equalRuns(group)) {
    const [{ command, actor }] = calls;
    const context = contextOf(actor);
    if (calls.length > 1 && command.performTogether !== undefined) {
      const inputs = calls.map((call) => call.input);
      const results = await transaction.drive(command.performTogether(context, inputs));
      outcomes.push(...calls.map((call, at) => ({ call, result: results[at] })));
      continue;
    }
    for (const call of calls) {
      const before = transaction.writes;
      try {
        const result = await transaction.drive(call.command.perform(contextOf(call.actor), call.input));
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

export async function performApart(
  { transaction, contextOf, location }: Performing,
  group: readonly Call[],
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const call of group) {
    const goBack = await transaction.savepoint();
    try {
      const result = await transaction.drive(call.command.perform(contextOf(call.actor), call.input));
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
