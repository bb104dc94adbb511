/** Reading the rows of the logged tables, a page at a time: for telling whether two stores hold the same state. */

import type { Command, Row, SqlValue } from "../command.ts";
import { defineRead, rows } from "../command.ts";
import { columnsOf, LOGGED_TABLES } from "../tables.ts";

export interface ReadStatePage {
  /** A logged table. */
  readonly table: string;
  /** The key of the row to go on after; `null` begins. */
  readonly after: readonly SqlValue[] | null;
  readonly limit: number;
}

export interface StatePage {
  readonly rows: readonly Row[];
  /** The key of the last row; `null` when there are no more. */
  readonly next: readonly SqlValue[] | null;
}

/** In the order of their keys as the database compares them, which may differ from one driver to another. */
export const readStatePage = defineRead(
  "read-state-page",
  function* (context, input: ReadStatePage): Command<StatePage> {
    const table = LOGGED_TABLES.find(({ name }) => name === input.table);
    if (table === undefined) return { rows: [], next: null };
    const key = table.hasSeq ? ["seq"] : table.key;
    const begin = input.after === null ? "" : ` and (${key.join(", ")}) > (${key.map(() => "?").join(", ")})`;
    const found = yield* rows(
      `select ${columnsOf(table)} from ${table.name} where project_id = ?${begin} order by ${key.join(", ")} limit ?`,
      context.projectId,
      ...(input.after ?? []),
      input.limit,
    );
    const last = found.at(-1);
    const isWhole = found.length < input.limit || last === undefined;
    return { rows: found, next: isWhole ? null : key.map((column) => last[column] ?? null) };
  },
);
