/** Runs a command on a database that answers at once: a list or sets of statements one after another. */

import type { Answer, Asked, Command, Row, Statement, StatementSets } from "../command.ts";
import { isList } from "../command.ts";

type Query = (statement: Statement) => readonly Row[];

export function runCommand<Result>(command: Command<Result>, query: Query): Result {
  let step = command.next([]);
  while (!step.done) step = command.next(answerTo(step.value, query));
  return step.value;
}

function answerTo(asked: Asked, query: Query): Answer {
  if (isList(asked)) return asked.map((sets) => rowsOfSets(sets, query));
  return "sets" in asked ? rowsOfSets(asked, query) : query(asked);
}

function rowsOfSets({ sql, sets }: StatementSets, query: Query): readonly (readonly Row[])[] {
  return sets.map((params) => query({ sql, params }));
}
