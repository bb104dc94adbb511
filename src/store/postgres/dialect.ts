/**
 * From the statements of commands to those of Postgres: placeholders, one statement for many sets of values, and characters
 * that Postgres does not store. Each SQL text is read once and kept, so the cost is a map look-up.
 */

import { createHash } from "node:crypto";

import type { SqlValue } from "../command.ts";

export interface PostgresStatement {
  /** Short and the same for the same text: the server parses it once per connection. */
  readonly name: string;
  readonly text: string;
  readonly verb: "select" | "insert" | "update" | "delete";
  readonly table: string;
  /** Whether rows come back. A write without them may be sent without waiting for it. */
  readonly answers: boolean;
  /** Whether it reads the change log. */
  readonly readsLog: boolean;
  /** Inserts rows with a `seq` of their own, which the table's sequence then has to be past. */
  readonly setsSeq: boolean;
  /** An insert that answers with the `seq` of the new row and nothing else. */
  readonly returnsSeq: boolean;
  /** The same for many sets of values as one statement, or `null` where that cannot be said. */
  readonly merged: MergedStatement | null;
}

export interface MergedStatement {
  /** Takes one array per value. Rows carry the number of their set in `SET_COLUMN`, unless they come one for each set. */
  readonly text: string;
  /** Of each array; `null` is told by the values. */
  readonly types: readonly (ColumnType | null)[];
  /** Of an insert, to be said with a placeholder for each value. */
  readonly insert: MergedInsert | null;
}

interface MergedInsert {
  /** Before the values, and after them. */
  readonly head: string;
  readonly tail: string;
  /** How many values a row has. */
  readonly width: number;
}

export type ColumnType = "text" | "bigint" | "double precision";
/** Of each column by its name; columns of the same name have the same type. */
export type ColumnTypes = ReadonlyMap<string, ColumnType>;

export const SET_COLUMN = "set_number";

const RETURNING_SEQ = /\s+returning seq\s*$/;

export interface Dialect {
  statementOf(sql: string): PostgresStatement;
  /** An insert that returns `seq`, as one that is given it, before its other values. */
  withSeq(sql: string): string;
  /** Of a statement that inserts, in order. */
  columnsOf(sql: string): readonly string[];
  /** All sets in one statement, or as few as may be, in order; `null` when they have to go one by one. */
  mergedOf(sql: string, sets: readonly (readonly SqlValue[])[]): readonly PreparedStatement[] | null;
  /** A statement of Postgres, by the name the server may keep it under. */
  named(text: string): Named;
}

export interface PreparedStatement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/**
 * How many rows a statement inserts that has a placeholder for each of their values: few sizes, as each is prepared by itself.
 * More rows come as an array for each column, which costs the server 30 µs for every one of them however few the rows are.
 */
const ROW_COUNTS = [64, 56, 48, 40, 36, 32, 30, 28, 24, 20, 18, 16, 15, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
const MOST_ROWS = 64;

export function postgresDialect(types: ColumnTypes): Dialect {
  const known = new Map<string, PostgresStatement>();
  const names = new Map<string, string>();
  const named = (text: string): Named => ({ text, name: remembered(names, text, nameOf) });
  const inserts = new Map<string, Named>();
  const insertOf = (insert: MergedInsert, rowCount: number): Named =>
    remembered(inserts, `${rowCount} ${insert.head}${insert.tail}`, () => named(insertText(insert, rowCount)));
  const statementOf = (sql: string): PostgresStatement => remembered(known, sql, () => readStatement(sql, types));
  const given = new Map<string, string>();
  const columns = new Map<string, readonly string[]>();
  return {
    named,
    statementOf,
    withSeq: (sql) => remembered(given, sql, giveSeq),
    columnsOf: (sql) => remembered(columns, sql, insertedColumns),
    mergedOf(sql, sets) {
      const { merged } = statementOf(sql);
      if (merged === null) return null;
      if (merged.insert !== null && sets.length <= MOST_ROWS) return insertsOf(merged.insert, sets, insertOf);
      const chosen = merged.types.map((type, at) => type ?? typeOfValues(sets, at));
      if (chosen.includes(null)) return null;
      const arrays = chosen.map((type, at) => `$${at + 1}::${type}[]`).join(", ");
      const { name, text } = named(merged.text.replace("{arrays}", arrays));
      return [{ name, text, values: chosen.map((_, at) => sets.map((set) => toStored(set[at] ?? null))) }];
    },
  };
}

export interface Named {
  readonly name: string;
  readonly text: string;
}

/** Rows in as many statements as the sizes take. */
function insertsOf(
  insert: MergedInsert,
  sets: readonly (readonly SqlValue[])[],
  named: (insert: MergedInsert, rowCount: number) => Named,
): readonly PreparedStatement[] {
  const statements: PreparedStatement[] = [];
  for (let from = 0; from < sets.length;) {
    const count = ROW_COUNTS.find((size) => size <= sets.length - from) ?? 1;
    const values = sets.slice(from, from + count).flatMap((set) => set.map(toStored));
    statements.push({ ...named(insert, count), values });
    from += count;
  }
  return statements;
}

function insertText({ head, width, tail }: MergedInsert, rowCount: number): string {
  const rows = Array.from({ length: rowCount }, (_, row) => {
    const places = Array.from({ length: width }, (__, at) => `$${row * width + at + 1}`);
    return `(${places.join(", ")})`;
  });
  return `${head} values ${rows.join(", ")}${tail}`;
}

function remembered<Value>(known: Map<string, Value>, sql: string, make: (sql: string) => Value): Value {
  let value = known.get(sql);
  if (value === undefined) {
    value = make(sql);
    known.set(sql, value);
  }
  return value;
}

function giveSeq(sql: string): string {
  return sql
    .replace(RETURNING_SEQ, "")
    .replace("(", "(seq, ")
    .replace(/\bvalues \(/, "values (?, ");
}

function insertedColumns(sql: string): readonly string[] {
  return (/\(([^)]+)\)/.exec(sql)?.[1] ?? "").split(",").map((name) => name.trim());
}

function readStatement(sql: string, types: ColumnTypes): PostgresStatement {
  const parts = placeholderParts(sql);
  const text = parts.reduce((all, part, at) => `${all}$${at}${part}`);
  const verb = /^\s*(select|insert|update|delete|with)\b/.exec(sql)?.[1] ?? "select";
  const table = /\b(?:insert into|update|delete from|from)\s+(\w+)/.exec(sql)?.[1] ?? "";
  const isWrite = verb === "insert" || verb === "update" || verb === "delete";
  const setsSeq = verb === "insert" && /^\s*insert into \w+ \((?:[^)]*[\s,(])?seq\b/.test(sql);
  return {
    name: nameOf(text),
    text,
    verb: isWrite ? verb : "select",
    table,
    answers: !isWrite || /\breturning\b/.test(sql),
    readsLog: /\b(?:from|join) changes\b/.test(sql),
    setsSeq,
    returnsSeq: verb === "insert" && !setsSeq && RETURNING_SEQ.test(sql) && !/\bon conflict\b/.test(sql),
    merged: parts.length === 1 ? null : mergedStatement({ sql, parts, table, verb, types }),
  };
}

interface Source {
  readonly sql: string;
  /** The text around the placeholders. */
  readonly parts: readonly string[];
  readonly table: string;
  readonly verb: string;
  readonly types: ColumnTypes;
}

function mergedStatement(source: Source): MergedStatement | null {
  const { sql, parts, verb, table } = source;
  const count = parts.length - 1;
  const columns = Array.from({ length: count }, (_, at) => `p${at + 1}`);
  const named = parts.reduce((all, part, at) => `${all}sets.p${at}${part}`);
  const input = `unnest({arrays}) with ordinality as sets(${columns.join(", ")}, ${SET_COLUMN})`;
  let text: string;
  let insert: MergedInsert | null = null;
  let merged: readonly (ColumnType | null)[] = parts.slice(0, -1).map((part) => typeBefore(part, source.types));
  if (verb === "select") {
    text = `select sets.${SET_COLUMN}, found.* from ${input} cross join lateral (${named}) found`;
  } else if (verb === "insert") {
    const shape = /^\s*insert into \w+ \(([^)]*)\)\s+values \([\s?,]*\)([^?]*)$/.exec(sql);
    if (shape === null || (/\bon conflict\b/.test(sql) && /\breturning\b/.test(sql))) return null;
    merged = insertedColumns(sql).map((name) => source.types.get(name) ?? null);
    insert = { head: `insert into ${table} (${shape[1]})`, tail: shape[2] ?? "", width: count };
    text = `${insert.head} select ${columns.join(", ")} from ${input} order by ${SET_COLUMN}${insert.tail}`;
  } else if (verb === "update") {
    const shape = /^([\s\S]*)\bwhere\b([\s\S]*)$/.exec(named);
    if (shape === null || /\breturning\b/.test(sql)) return null;
    text = `${shape[1]}from ${input} where${shape[2]}`;
  } else if (verb === "delete") {
    const shape = /^([\s\S]*)\bwhere\b([\s\S]*)$/.exec(named);
    if (shape === null || /\breturning\b/.test(sql)) return null;
    text = `${shape[1]}using ${input} where${shape[2]}`;
  } else return null;
  return { text, types: merged, insert };
}

/** Of the column a placeholder is compared with or assigned to, by what stands before it. */
function typeBefore(part: string, types: ColumnTypes): ColumnType | null {
  const column = /(\w+)\s*(?:=|<|>|<=|>=|<>|is not distinct from)\s*$/.exec(part)?.[1];
  return column === undefined ? null : (types.get(column) ?? null);
}

function typeOfValues(sets: readonly (readonly SqlValue[])[], at: number): ColumnType | null {
  let type: ColumnType | null = null;
  for (const set of sets) {
    const value = set[at] ?? null;
    if (value === null) continue;
    if (typeof value === "string") return "text";
    type = Number.isInteger(value) && type !== "double precision" ? "bigint" : "double precision";
  }
  return type;
}

function nameOf(text: string): string {
  return `p${createHash("sha1").update(text).digest("base64url").slice(0, 16)}`;
}

/** The text around the placeholders: a `?` inside quotes is not one. */
function placeholderParts(sql: string): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at < sql.length; at++) {
    const character = sql[at];
    if (character === "'") isQuoted = !isQuoted;
    if (character !== "?" || isQuoted) continue;
    parts.push(sql.slice(from, at));
    from = at + 1;
  }
  parts.push(sql.slice(from));
  return parts;
}

/** Postgres text holds no U+0000. It is kept as this private character and `0`, and the character itself doubled. */
const ESCAPE = "\uF8FE";

export function toStored(value: SqlValue): SqlValue {
  if (typeof value !== "string" || !(value.includes("\u0000") || value.includes(ESCAPE))) return value;
  return value.replaceAll(ESCAPE, ESCAPE + ESCAPE).replaceAll("\u0000", `${ESCAPE}0`);
}

export function fromStored(value: string): string {
  if (!value.includes(ESCAPE)) return value;
  return value.replaceAll(new RegExp(`${ESCAPE}([0${ESCAPE}])`, "gu"), (_, kind: string) =>
    kind === "0" ? "\u0000" : ESCAPE,
  );
}
