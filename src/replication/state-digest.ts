/**
 * What a store's tables come to, in a few numbers: for each table its rows and a sum of their hashes, which is the same in
 * whatever order a database gives them. Two stores with the same digest hold the same state.
 */

import * as v from "valibot";

import { sha256 } from "../base/sha256.ts";
import { newestSeq } from "../store/commands/changes.ts";
import { readStatePage } from "../store/commands/state-pages.ts";
import type { Row, SqlValue } from "../store/command.ts";
import type { Store } from "../store/port.ts";
import type { Table } from "../store/tables.ts";
import { LOGGED_TABLES } from "../store/tables.ts";

export const stateDigestSchema = v.object({
  /** The last change that made it. */
  seq: v.number(),
  /** By name; tables without rows are left out. */
  tables: v.record(v.string(), v.object({ rows: v.number(), sum: v.string() })),
});
export type StateDigest = v.InferOutput<typeof stateDigestSchema>;

const PAGE = 1_000;
const ATTEMPTS = 3;

/** `null` when the store was written to all the while, so that there was no one state to look at. */
export async function readStateDigest(store: Store): Promise<StateDigest | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const seq = await store.execute(newestSeq, null);
    const tables: StateDigest["tables"] = {};
    for (const table of LOGGED_TABLES) {
      const digest = await digestTable(store, table);
      if (digest.rows > 0) tables[table.name] = digest;
    }
    if ((await store.execute(newestSeq, null)) === seq) return { seq, tables };
  }
  return null;
}

/** The tables in which they differ. */
export function differingTables(one: StateDigest, other: StateDigest): readonly string[] {
  return LOGGED_TABLES.map(({ name }) => name).filter(
    (name) => one.tables[name]?.rows !== other.tables[name]?.rows || one.tables[name]?.sum !== other.tables[name]?.sum,
  );
}

async function digestTable(store: Store, table: Table): Promise<{ readonly rows: number; readonly sum: string }> {
  let rows = 0;
  let sum = 0n;
  for (let after: readonly SqlValue[] | null = null; ;) {
    const page: { readonly rows: readonly Row[]; readonly next: readonly SqlValue[] | null } = await store.execute(
      readStatePage,
      { table: table.name, after, limit: PAGE },
    );
    for (const row of page.rows) sum += hashOf(table, row);
    rows += page.rows.length;
    if (page.next === null) break;
    after = page.next;
  }
  return { rows, sum: BigInt.asUintN(256, sum).toString(16).padStart(64, "0") };
}

function hashOf(table: Table, row: Row): bigint {
  const text = JSON.stringify(table.columns.map((column) => row[column] ?? null));
  return BigInt(`0x${sha256().update(text).digest("hex")}`);
}
