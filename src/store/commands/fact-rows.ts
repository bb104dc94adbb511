/** Rows of facts: finding one, reading it whole, and telling what a reference means. */

import { PerdureError } from "../../base/errors.ts";
import type { Fact, FactKind, FactStatus } from "../../domain/fact.ts";
import type { FactId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { columnsOf, FACTS } from "../tables.ts";

export const FACT_COLUMNS = columnsOf(FACTS);

export function* factRow(context: CommandContext, id: FactId | string): Command<Row> {
  const row = yield* oneRow(`select ${FACT_COLUMNS} from facts where project_id = ? and id = ?`, context.projectId, id);
  if (row !== null) return row;
  throw unknownFact(id);
}

export function unknownFact(reference: string): PerdureError {
  return new PerdureError("not-found", {
    message: `There is no fact ${JSON.stringify(reference)}`,
    hint: "`perdure facts` lists them, `perdure recall QUERY` finds them.",
    details: { reference },
  });
}

/** The facts of a text, oldest first, whatever their status. */
export function* rowsOfContent(context: CommandContext, contentHash: string): Command<readonly Row[]> {
  const sql = `select ${FACT_COLUMNS} from facts where project_id = ? and content_hash = ? order by seq`;
  return yield* rows(sql, context.projectId, contentHash);
}

export function* loadFact(context: CommandContext, row: Row): Command<Fact> {
  const sql = "select depends_on_id from fact_dependencies where project_id = ? and fact_id = ? order by depends_on_id";
  const dependsOn = yield* rows(sql, context.projectId, text(row.id));
  return rowToFact(
    row,
    dependsOn.map((edge) => asId<FactId>(text(edge.depends_on_id))),
  );
}

export function rowToFact(row: Row, dependsOn: readonly FactId[]): Fact {
  return {
    id: asId(text(row.id)),
    kind: text(row.kind) as FactKind,
    text: text(row.text),
    source: text(row.source),
    trust: Number(row.trust),
    status: text(row.status) as FactStatus,
    statusNote: textOrNull(row.status_note),
    supersedesId: row.supersedes_id === null || row.supersedes_id === undefined ? null : asId(text(row.supersedes_id)),
    dependsOn,
    version: integer(row.version),
    createdAt: integer(row.created_at),
    updatedAt: integer(row.updated_at),
  };
}

/** `3f2a91c0 “We use SQLite”`, for messages and notes. */
export function factName(row: Row): string {
  const said = text(row.text).replaceAll(/\s+/gu, " ");
  return `${text(row.id).slice(0, 8)} “${said.length > 80 ? `${said.slice(0, 79).toWellFormed()}…` : said}”`;
}

/** By id or the beginning of one. @throws PerdureError `not-found`; `invalid-input` when it fits several. */
export const resolveFact = defineRead(
  "resolve-fact",
  function* (context, { reference }: { readonly reference: string }): Command<FactId> {
    if (!/^[0-9a-f-]{1,36}$/.test(reference)) throw unknownFact(reference);
    const sql = "select id, text from facts where project_id = ? and id >= ? and id < ? order by id limit 6";
    const found = yield* rows(sql, context.projectId, reference, `${reference}~`);
    const [only] = found;
    if (only === undefined) throw unknownFact(reference);
    if (found.length === 1 || only.id === reference) return asId(text(only.id));
    throw new PerdureError("invalid-input", {
      message: `${JSON.stringify(reference)} could be several facts: ${found.map(factName).join(", ")}`,
      hint: "Type more of the id.",
      details: { reference, candidates: found.map((row) => row.id) },
    });
  },
);
