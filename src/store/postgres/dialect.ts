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
  /** The same for many sets of values as one statement, or `null` where that cannot be said. */
  readonly merged: MergedStatement | null;
}

export interface MergedStatement {
  readonly name: string;
  /** Takes one array per value. Rows carry the number of their set in `SET_COLUMN`, unless they come one for each set. */
  readonly text: string;
  /** Of each array; `null` is told by the values. */
  readonly types: readonly (ColumnType | null)[];
}

export type ColumnType = "text" | "bigint" | "double precision";
/** Of each column by its name; columns of the same name have the same type. */
export type ColumnTypes = ReadonlyMap<string, ColumnType>;

export const SET_COLUMN = "set_number";

export interface Dialect {
  statementOf(sql: string): PostgresStatement;
  /** The merged statement with its arrays; `null` when the sets have to go one by one. */
  mergedOf(
    sql: string,
    sets: readonly (readonly SqlValue[])[],
  ): { readonly text: string; readonly name: string; readonly values: unknown[] } | null;
}

export function postgresDialect(types: ColumnTypes): Dialect {
  const known = new Map<string, PostgresStatement>();
  const withTypes = new Map<string, { readonly text: string; readonly name: string }>();
  const statementOf = (sql: string): PostgresStatement => {
    let statement = known.get(sql);
    if (statement === undefined) {
      statement = readStatement(sql, types);
      known.set(sql, statement);
    }
    return statement;
  };
  return {
    statementOf,
    mergedOf(sql, sets) {
      const { merged } = statementOf(sql);
      if (merged === null) return null;
      const chosen = merged.types.map((type, at) => type ?? typeOfValues(sets, at));
      if (chosen.includes(null)) return null;
      const key = `${merged.name}:${chosen.join()}`;
      let typed = withTypes.get(key);
      if (typed === undefined) {
        const text = merged.text.replace("{arrays}", chosen.map((type, at) => `$${at + 1}::${type}[]`).join(", "));
        typed = { text, name: nameOf(text) };
        withTypes.set(key, typed);
      }
      return { ...typed, values: chosen.map((_, at) => sets.map((set) => toStored(set[at] ?? null))) };
    },
  };
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
  let merged: readonly (ColumnType | null)[] = parts.slice(0, -1).map((part) => typeBefore(part, source.types));
  if (verb === "select") {
    text = `select sets.${SET_COLUMN}, found.* from ${input} cross join lateral (${named}) found`;
  } else if (verb === "insert") {
    const shape = /^\s*insert into \w+ \(([^)]*)\)\s+values \([\s?,]*\)([^?]*)$/.exec(sql);
    if (shape === null || (/\bon conflict\b/.test(sql) && /\breturning\b/.test(sql))) return null;
    const names = (shape[1] ?? "").split(",").map((name) => name.trim());
    merged = names.map((name) => source.types.get(name) ?? null);
    text = `insert into ${table} (${shape[1]}) select ${columns.join(", ")} from ${input} order by ${SET_COLUMN}${shape[2]}`;
  } else if (verb === "update") {
    const shape = /^([\s\S]*)\bwhere\b([\s\S]*)$/.exec(named);
    if (shape === null || /\breturning\b/.test(sql)) return null;
    text = `${shape[1]}from ${input} where${shape[2]}`;
  } else if (verb === "delete") {
    const shape = /^([\s\S]*)\bwhere\b([\s\S]*)$/.exec(named);
    if (shape === null || /\breturning\b/.test(sql)) return null;
    text = `${shape[1]}using ${input} where${shape[2]}`;
  } else return null;
  return { name: nameOf(text), text, types: merged };
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
