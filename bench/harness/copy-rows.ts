/** Fills a table with copies of rows that a product has made itself, where making a million its own way would take too long. */

import type pg from "pg";

export interface CopyRows {
  /** With its schema. */
  readonly table: string;
  /** Which rows are copied. */
  readonly where: string;
  /** The copies are numbered from 1 on: `copy` in expressions. */
  readonly copies: number;
  /** SQL for the columns in which a copy is not as its model, which is `model`. */
  readonly own: Readonly<Record<string, string>>;
  /** Columns that get their default. */
  readonly leftOut?: readonly string[];
}

export async function copyRows(client: pg.Client, options: CopyRows): Promise<void> {
  const { table, where, copies, own, leftOut = [] } = options;
  const { rows } = await client.query<{ name: string }>(
    "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''",
    [table],
  );
  const names = rows.map(({ name }) => name).filter((name) => !leftOut.includes(name));
  const values = names.map((name) => own[name] ?? `model."${name}"`);
  await client.query(
    `insert into ${table} (${names.map((name) => `"${name}"`).join(", ")})
     select ${values.join(", ")} from ${table} as model cross join generate_series(1, $1::bigint) as copy where ${where}`,
    [copies],
  );
}
