/**
 * The full-text search over facts, in SQLite's FTS5 and in Postgres: the one place where the two are worded differently.
 * Terms are words; each is quoted, so nothing in one is taken for syntax.
 */

import type { FactKind, FactStatus } from "../../domain/fact.ts";
import { FACT_STATUSES } from "../../domain/fact.ts";
import type { Command, CommandContext, SqlValue } from "../command.ts";
import { oneOf, rows } from "../command.ts";
import { integer } from "../entity-rows.ts";

export interface TextMatch {
  /** All of them must be in the text. */
  readonly terms: readonly string[];
  /** The last term may be the beginning of a word. */
  readonly isPrefix: boolean;
  readonly kinds: readonly FactKind[] | null;
  readonly statuses: readonly FactStatus[];
  readonly limit: number;
}

/** The `seq` of the newest facts that match, newest first. Takes time by `limit`, not by how many match. */
export function* newestMatches(context: CommandContext, match: TextMatch): Command<readonly number[]> {
  if (context.dialect === "postgres") return yield* newestInPostgres(context, match);
  const sql = "select rowid as seq from facts_text where facts_text match ? order by rowid desc limit ?";
  return (yield* rows(sql, expressionOf(match), match.limit)).map((row) => integer(row.seq));
}

function expressionOf({ terms, isPrefix, kinds, statuses }: TextMatch): string {
  const wanted = terms.map((term) => `text : ${quoted(term)}${isPrefix ? " *" : ""}`);
  if (kinds !== null) wanted.push(`kind : (${kinds.map(quoted).join(" OR ")})`);
  // Shutting out is cheaper than letting in: those that have fallen are the fewer.
  const others = FACT_STATUSES.filter((status) => !statuses.includes(status));
  const unwanted = others.length === 0 ? "" : ` NOT status : (${others.map(quoted).join(" OR ")})`;
  return `(${wanted.join(" AND ")})${unwanted}`;
}

function quoted(term: string): string {
  return `"${term.replaceAll('"', '""').replaceAll("\u0000", "")}"`;
}

function* newestInPostgres(context: CommandContext, match: TextMatch): Command<readonly number[]> {
  // A term may be several words to the index: then they have to follow each other.
  const words = match.terms.map((_, at) => {
    const query = "phraseto_tsquery('words', searchable(?))";
    const isPrefix = match.isPrefix && at === match.terms.length - 1;
    return `t.words @@ ${isPrefix ? `(${query}::text || ':*')::tsquery` : query}`;
  });
  const params: SqlValue[] = [context.projectId, ...match.terms];
  const among = (column: string, values: readonly string[]): string => {
    params.push(...values);
    return ` and ${oneOf(column, values)}`;
  };
  const kinds = match.kinds === null ? "" : among("f.kind", match.kinds);
  const sql = `select f.seq as seq from facts_text t join facts f on f.project_id = t.project_id and f.seq = t.seq
    where t.project_id = ? and ${words.join(" and ")}${kinds}${among("f.status", match.statuses)} order by f.seq desc limit ?`;
  return (yield* rows(sql, ...params, match.limit)).map((row) => integer(row.seq));
}

/** The `seq` of the newest facts that hold `part` anywhere, also within a word: for scripts without spaces. Reads every fact. */
export function* newestHolding(
  projectId: string,
  { part, limit }: { readonly part: string; readonly limit: number },
): Command<readonly number[]> {
  const sql = "select seq from facts where project_id = ? and instr(text, ?) > 0 order by seq desc limit ?";
  return (yield* rows(sql, projectId, part, limit)).map((row) => integer(row.seq));
}
