/** Reading facts: one, several, page by page, and what became of one over time. */

import type { Millis } from "../../base/clock.ts";
import { isJsonObject, parseStoredJson } from "../../base/json.ts";
import type { Fact, FactKind, FactStatus } from "../../domain/fact.ts";
import type { FactId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { defineRead, oneOf, oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { FACT_COLUMNS, factRow, loadFact } from "./fact-rows.ts";

export const getFact = defineRead("get-fact", function* (context, input: { readonly factId: FactId }): Command<Fact> {
  return yield* loadFact(context, yield* factRow(context, input.factId));
});

export interface ListFacts {
  readonly kinds: readonly FactKind[] | null;
  readonly statuses: readonly FactStatus[] | null;
  /** Exactly this source. */
  readonly source: string | null;
  /** `newest` gives those recorded last first. */
  readonly from: "newest" | "oldest";
  /** `next` of the page before. */
  readonly after: number | null;
  readonly limit: number;
}

export interface FactPage {
  readonly facts: readonly Fact[];
  readonly next: number | null;
}

export const listFacts = defineRead("list-facts", function* (context, input: ListFacts): Command<FactPage> {
  const isNewest = input.from === "newest";
  const where = ["project_id = ?"];
  const params: SqlValue[] = [context.projectId];
  const add = (condition: string, ...values: readonly SqlValue[]): void => {
    where.push(condition);
    params.push(...values);
  };
  if (input.after !== null) add(isNewest ? "seq < ?" : "seq > ?", input.after);
  if (input.kinds !== null) add(oneOf("kind", input.kinds), ...input.kinds);
  if (input.statuses !== null) add(oneOf("status", input.statuses), ...input.statuses);
  if (input.source !== null) add("source = ?", input.source);
  const sql = `select ${FACT_COLUMNS} from facts where ${where.join(" and ")} order by seq ${isNewest ? "desc" : "asc"} limit ?`;
  const found = yield* rows(sql, ...params, input.limit + 1);
  const page = found.slice(0, input.limit);
  const facts: Fact[] = [];
  for (const row of page) facts.push(yield* loadFact(context, row));
  return { facts, next: found.length > input.limit ? integer(page.at(-1)?.seq) : null };
});

/** The facts directly built on one. */
export const listDependents = defineRead(
  "list-dependents",
  function* (context, input: { readonly factId: FactId }): Command<readonly Fact[]> {
    const sql = `select ${FACT_COLUMNS} from facts where project_id = ? and id in
      (select fact_id from fact_dependencies where project_id = ? and depends_on_id = ?) order by seq limit ?`;
    const { projectId } = context;
    const facts: Fact[] = [];
    for (const row of yield* rows(sql, projectId, projectId, input.factId, LIMITS.listLimit))
      facts.push(yield* loadFact(context, row));
    return facts;
  },
);

/** Something that happened to a fact or to one it replaced, was replaced by. */
export interface FactEvent {
  readonly at: Millis;
  readonly actor: string;
  /** `remember`, `edit`, `affirm`, `question`, `confirm`, `supersede`, `retire`, `import`, `replace`. */
  readonly verb: string;
  readonly factId: FactId;
  /** As it became; `null` when the text did not change. */
  readonly text: string | null;
  readonly version: number | null;
  readonly note: string | null;
}

/** What was said before, of a fact and those before and after it in the chain of supersession; oldest first. */
export const factHistory = defineRead("fact-history", function* (context, input: { readonly factId: FactId }): Command<
  readonly FactEvent[]
> {
  const row = yield* factRow(context, input.factId);
  const events: (FactEvent & { readonly seq: number })[] = [];
  for (const id of yield* chainFrom(context, row)) {
    const sql = `select seq, at, actor, verb, after, note from changes
        where project_id = ? and entity = 'facts' and row_key = ? order by seq desc limit ?`;
    for (const change of yield* rows(sql, context.projectId, id, LIMITS.listLimit)) events.push(toEvent(id, change));
  }
  return events.toSorted((a, b) => a.seq - b.seq).map(({ seq: _seq, ...event }) => event);
});

function toEvent(factId: string, change: Row): FactEvent & { readonly seq: number } {
  const after = change.after === null ? null : parseStoredJson(text(change.after), "the change log");
  const columns = isJsonObject(after) ? after : {};
  return {
    seq: integer(change.seq),
    at: integer(change.at),
    actor: text(change.actor),
    verb: text(change.verb),
    factId: asId(factId),
    text: typeof columns.text === "string" ? columns.text : null,
    version: typeof columns.version === "number" ? columns.version : null,
    note: textOrNull(change.note),
  };
}

/** Chains are followed this far both ways. */
const CHAIN = 100;

function* chainFrom(context: CommandContext, row: Row): Command<ReadonlySet<string>> {
  const { projectId } = context;
  const chain = new Set([text(row.id)]);
  let older = textOrNull(row.supersedes_id);
  while (older !== null && chain.size < CHAIN && !chain.has(older)) {
    chain.add(older);
    const before = yield* oneRow("select supersedes_id from facts where project_id = ? and id = ?", projectId, older);
    older = before === null ? null : textOrNull(before.supersedes_id);
  }
  const newer = [text(row.id)];
  for (let id = newer.pop(); id !== undefined && chain.size < 2 * CHAIN; id = newer.pop()) {
    const sql = "select id from facts where project_id = ? and supersedes_id = ? order by seq limit ?";
    for (const after of yield* rows(sql, projectId, id, CHAIN)) {
      if (chain.has(text(after.id))) continue;
      chain.add(text(after.id));
      newer.push(text(after.id));
    }
  }
  return chain;
}
