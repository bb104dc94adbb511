/**
 * What the change of a new row says of it anyway: its key, its session and task, and the moment, where that is when it was
 * made. Left out of the logged columns of terse tables, and put back when the log is read, so that a log of many small rows
 * takes no more than their content.
 */

import type { SqlValue } from "./command.ts";
import type { Table } from "./tables.ts";

type Values = Readonly<Record<string, SqlValue>>;

interface Subject {
  readonly sessionId: SqlValue;
  readonly taskId: SqlValue;
  readonly at: SqlValue;
}

/** None of these is ever null where a table has it, so one that is missing was left out. */
function saidBy({ sessionId, taskId, at }: Subject): Values {
  return { session_id: sessionId, task_id: taskId, created_at: at, updated_at: at };
}

export function withoutImplied(table: Table, values: Values, subject: Subject): Values {
  if (table.isTerse !== true) return values;
  const said = saidBy(subject);
  const kept = Object.entries(values).filter(
    ([column, value]) => !table.key.includes(column) && !(Object.hasOwn(said, column) && said[column] === value),
  );
  return Object.fromEntries(kept);
}

/** `key` is the row's, in the order of `table.key`. What is there stays as it is. */
export function withImplied(
  table: Table,
  values: Values,
  subject: Subject & { readonly key: readonly SqlValue[] },
): Values {
  if (table.isTerse !== true) return values;
  const whole: Record<string, SqlValue> = {};
  for (const [index, column] of table.key.entries()) whole[column] = subject.key[index] ?? null;
  for (const [column, value] of Object.entries(saidBy(subject)))
    if (table.columns.includes(column)) whole[column] = value;
  return Object.assign(whole, values);
}
