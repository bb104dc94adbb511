/**
 * What facts are built on. When one falls, all that was built on it, directly or through others, is questioned: marked,
 * with a note that names what fell, until somebody confirms it.
 */

import { PerdureError } from "../../base/errors.ts";
import type { Fact, FactStatus } from "../../domain/fact.ts";
import { factMachine, isInForce } from "../../domain/fact.ts";
import { LIMITS } from "../../domain/limits.ts";
import { transition } from "../../domain/state-machine.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { rows } from "../command.ts";
import { text, textOrNull } from "../entity-rows.ts";
import { insertRow, updateRow } from "../rows.ts";
import { FACT_DEPENDENCIES, FACTS } from "../tables.ts";
import { FACT_COLUMNS, factName, factRow, loadFact } from "./fact-rows.ts";

/** A fact that no longer holds, and what that has put in question. */
export interface Fallen {
  readonly fact: Fact;
  /** The first `LIMITS.listLimit` of those that are questioned because of it, in the order they were recorded. */
  readonly questioned: readonly Fact[];
  readonly questionedCount: number;
}

/** Takes a fact out of force. @throws PerdureError `wrong-state` when it is so already */
export function* fall(
  context: CommandContext,
  row: Row,
  { verb, note }: { readonly verb: "supersede" | "retire"; readonly note: string },
): Command<Fallen> {
  const status = transition(factMachine, { name: factName(row), from: text(row.status) as FactStatus }, verb);
  const fallen = yield* updateRow(context, FACTS, row, {
    verb,
    note,
    patch: { status, status_note: note.slice(0, LIMITS.factNoteChars).toWellFormed(), updated_at: context.now },
  });
  const questioned: Fact[] = [];
  let questionedCount = 0;
  for (const dependent of yield* dependentsOf(context, text(row.id))) {
    if (!isInForce(text(dependent.status) as FactStatus)) continue;
    const marked = yield* question(context, dependent, `built on ${factName(row)}, which was ${status}`);
    questionedCount += 1;
    if (questioned.length < LIMITS.listLimit) questioned.push(yield* loadFact(context, marked));
  }
  return { fact: yield* loadFact(context, fallen), questioned, questionedCount };
}

function* question(context: CommandContext, row: Row, why: string): Command<Row> {
  const status = transition(factMachine, { name: factName(row), from: text(row.status) as FactStatus }, "question");
  const before = textOrNull(row.status_note);
  const note = (before === null ? why : `${before}; ${why}`).slice(0, LIMITS.factNoteChars).toWellFormed();
  return yield* updateRow(context, FACTS, row, {
    verb: "question",
    note: why,
    patch: { status, status_note: note, updated_at: context.now },
  });
}

/** All facts built on one, directly or through others, in the order they were recorded. */
function* dependentsOf(context: CommandContext, id: string): Command<readonly Row[]> {
  const sql = `with recursive reached (id) as (
      select fact_id from fact_dependencies where project_id = ? and depends_on_id = ?
      union
      select d.fact_id from fact_dependencies d join reached r on d.depends_on_id = r.id where d.project_id = ?
    )
    select ${FACT_COLUMNS} from facts where project_id = ? and id in (select id from reached) order by seq`;
  return yield* rows(sql, context.projectId, id, context.projectId, context.projectId);
}

/**
 * Records that a fact was built on others; those recorded already stay.
 *
 * @throws PerdureError `not-found`, `wrong-state` for one that has fallen, `invalid-input` for a cycle, `limit-reached`
 */
export function* dependOn(context: CommandContext, row: Row, dependsOn: readonly string[]): Command<void> {
  if (dependsOn.length === 0) return;
  const known = new Set((yield* loadFact(context, row)).dependsOn.map(String));
  const added = [...new Set(dependsOn)].filter((id) => !known.has(id));
  refuseTooMany(known.size + added.length, factName(row));
  const above = new Set((yield* dependentsOf(context, text(row.id))).map((dependent) => text(dependent.id)));
  for (const id of added) {
    const base = yield* factRow(context, id);
    if (!isInForce(text(base.status) as FactStatus)) throw builtOnFallen(base);
    if (id === row.id || above.has(id)) throw cycle(row, base);
    yield* insertRow(context, FACT_DEPENDENCIES, { fact_id: row.id ?? null, depends_on_id: id }, { verb: "depend" });
  }
}

export function refuseTooMany(count: number, name: string): void {
  if (count <= LIMITS.dependenciesPerFact) return;
  throw new PerdureError("limit-reached", {
    message: `Fact ${name} would be built on ${count} facts; at most ${LIMITS.dependenciesPerFact} are kept`,
    hint: "Name those it directly rests on.",
    details: { count, limit: LIMITS.dependenciesPerFact },
  });
}

function builtOnFallen(base: Row): PerdureError {
  return new PerdureError("wrong-state", {
    message: `Fact ${factName(base)} is ${text(base.status)}: nothing can be built on it${base.status_note === null ? "" : ` (${text(base.status_note)})`}`,
    hint: `\`perdure facts show ${text(base.id).slice(0, 8)} --history\` shows what took its place.`,
    details: { factId: base.id, status: base.status },
  });
}

function cycle(row: Row, base: Row): PerdureError {
  return new PerdureError("invalid-input", {
    message: `Fact ${factName(row)} cannot be built on ${factName(base)}, which is built on it`,
    hint: "Leave one of the two out; nothing was changed.",
    details: { factId: row.id, dependsOn: base.id },
  });
}
