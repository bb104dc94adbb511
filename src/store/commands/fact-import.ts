/**
 * Taking facts in from a file: those that are known are left as they are here, the others come in with their ids, where
 * these are free, their standing and what they are built on.
 */

import { PerdureError } from "../../base/errors.ts";
import { findCycle } from "../../domain/dependency-graph.ts";
import { normalizedText } from "../../domain/fact-text.ts";
import type { Fact, FactStatus } from "../../domain/fact.ts";
import { isInForce } from "../../domain/fact.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, oneRow } from "../command.ts";
import { text } from "../entity-rows.ts";
import { insertRow, updateRow } from "../rows.ts";
import { FACT_DEPENDENCIES, FACTS } from "../tables.ts";
import { fall, refuseTooMany } from "./fact-graph.ts";
import { factName, factRow, FACT_COLUMNS, rowsOfContent } from "./fact-rows.ts";
import { checkFact, contentHash, refuseFull } from "./facts.ts";

export type ImportedFact = Omit<Fact, "updatedAt">;

export interface FactImport {
  readonly added: number;
  /** In force here already, or the very same ones. */
  readonly known: number;
  /** Said by a fact that has fallen here, and in force in the file: not taken up again. */
  readonly outdated: number;
  /** Of those added: their ids were taken. */
  readonly renamed: number;
  /** References to facts that are neither in the file nor here. */
  readonly lostReferences: number;
}

export interface ImportFacts {
  readonly facts: readonly ImportedFact[];
  /** Under which id facts of the same file stand here that were taken in by earlier calls. */
  readonly places: ReadonlyMap<string, string>;
}

/** A part of a file: all or nothing. `places` of the result goes into the call for the next part. */
export const importFacts = defineWrite("import-facts", function* (context, input: ImportFacts): Command<
  FactImport & Pick<ImportFacts, "places">
> {
  refuseBadFacts(input.facts);
  const places = new Map(input.places);
  const added: ImportedFact[] = [];
  const counts = { known: 0, outdated: 0, renamed: 0, lostReferences: 0 };
  yield* refuseFull(context, 0);
  for (const fact of input.facts) {
    const same = yield* findSame(context, fact);
    if (same !== null) {
      places.set(fact.id, text(same.id));
      const isOutdated = isInForce(fact.status) && !isInForce(text(same.status) as FactStatus);
      counts[isOutdated ? "outdated" : "known"] += 1;
      continue;
    }
    const taken = yield* oneRow("select id from facts where project_id = ? and id = ?", context.projectId, fact.id);
    const id = taken === null ? fact.id : context.uuid();
    if (taken !== null) counts.renamed += 1;
    places.set(fact.id, id);
    added.push(fact);
    yield* insertFact(context, fact, id);
  }
  yield* refuseFull(context, 0);
  for (const fact of added) counts.lostReferences += yield* connect(context, fact, places);
  return { added: added.length, ...counts, places };
});

/** The fact here that a fact of the file is: the same id and text, now or before, or the same text with the same standing. */
function* findSame(context: CommandContext, fact: ImportedFact): Command<Row | null> {
  const hash = contentHash(normalizedText(fact.text));
  const sql = `select ${FACT_COLUMNS} from facts where project_id = ? and id = ?`;
  const byId = yield* oneRow(sql, context.projectId, fact.id);
  if (byId !== null) {
    if (byId.content_hash === hash) return byId;
    const said = `select seq from changes where project_id = ? and entity = 'facts' and row_key = ? and after like ? limit 1`;
    if ((yield* oneRow(said, context.projectId, fact.id, `%"content_hash":"${hash}"%`)) !== null) return byId;
  }
  const same = yield* rowsOfContent(context, hash);
  const inForce = same.find((row) => isInForce(text(row.status) as FactStatus));
  return inForce ?? same.at(-1) ?? null;
}

function* insertFact(context: CommandContext, fact: ImportedFact, id: string): Command<void> {
  const values = {
    id,
    kind: fact.kind,
    text: fact.text.trim(),
    source: fact.source.trim(),
    trust: fact.trust,
    status: fact.status,
    status_note: fact.statusNote,
    content_hash: contentHash(normalizedText(fact.text)),
    supersedes_id: null,
    version: fact.version,
    created_at: Math.min(fact.createdAt, context.now),
    updated_at: context.now,
  };
  yield* insertRow(context, FACTS, values, { verb: "import" });
}

/** Records what a new fact replaces and is built on. Returns how many of those references lead nowhere. */
function* connect(context: CommandContext, fact: ImportedFact, places: ReadonlyMap<string, string>): Command<number> {
  const id = places.get(fact.id) ?? fact.id;
  let lost = 0;
  // Two facts of the file may be one here.
  const bases = new Set<string>();
  for (const reference of new Set(fact.dependsOn)) {
    const base = yield* findPlace(context, reference, places);
    if (base === null || base === id) lost += 1;
    else bases.add(base);
  }
  for (const base of bases)
    yield* insertRow(context, FACT_DEPENDENCIES, { fact_id: id, depends_on_id: base }, { verb: "depend" });
  if (fact.supersedesId === null) return lost;
  const replaced = yield* findPlace(context, fact.supersedesId, places);
  if (replaced === null || replaced === id) return lost + 1;
  yield* replaceBy(context, { id, replaced, isInForce: isInForce(fact.status) });
  return lost;
}

function* findPlace(
  context: CommandContext,
  reference: string,
  places: ReadonlyMap<string, string>,
): Command<string | null> {
  const id = places.get(reference) ?? reference;
  const found = yield* oneRow("select id from facts where project_id = ? and id = ?", context.projectId, id);
  return found === null ? null : text(found.id);
}

function* replaceBy(
  context: CommandContext,
  {
    id,
    replaced,
    isInForce: isNewInForce,
  }: { readonly id: string; readonly replaced: string; readonly isInForce: boolean },
): Command<void> {
  const row = yield* factRow(context, id);
  yield* updateRow(context, FACTS, row, { verb: "replace", patch: { supersedes_id: replaced } });
  const old = yield* factRow(context, replaced);
  // In the file it had fallen for this one; here it still held.
  if (isNewInForce && isInForce(text(old.status) as FactStatus))
    yield* fall(context, old, { verb: "supersede", note: `replaced by ${factName(row)}` });
}

/** @throws PerdureError naming the fact that cannot be taken in */
export function refuseBadFacts(facts: readonly ImportedFact[]): void {
  if (facts.length > LIMITS.factsPerFile) {
    throw new PerdureError("limit-reached", {
      message: `The file holds ${facts.length} facts; at most ${LIMITS.factsPerFile} are taken in at once`,
      hint: "Split it; facts that refer to each other belong together.",
      details: { count: facts.length, limit: LIMITS.factsPerFile },
    });
  }
  for (const fact of facts) {
    checkFact(fact);
    refuseTooMany(fact.dependsOn.length, fact.id);
  }
  const byId = new Map<string, ImportedFact>(facts.map((fact) => [fact.id, fact]));
  if (byId.size < facts.length) throw twice(facts);
  const cycle =
    findCycle([...byId.keys()], (id) => byId.get(id)?.dependsOn ?? []) ??
    findCycle([...byId.keys()], (id) => replacedBy(byId.get(id)));
  if (cycle === null) return;
  throw new PerdureError("invalid-input", {
    message: `Facts are built on or replace each other in a circle: ${cycle.slice(0, 10).join(" → ")}`,
    hint: "Take one of these references out of the file; nothing was changed.",
    details: { cycle },
  });
}

function replacedBy(fact: ImportedFact | undefined): readonly string[] {
  return fact === undefined || fact.supersedesId === null ? [] : [fact.supersedesId];
}

function twice(facts: readonly ImportedFact[]): PerdureError {
  const seen = new Set<string>();
  const repeated = facts.find(({ id }) => seen.size === seen.add(id).size);
  return new PerdureError("invalid-input", {
    message: `The id ${repeated?.id ?? ""} stands twice in the file`,
    hint: "Leave one of the two out; nothing was changed.",
    details: { id: repeated?.id ?? null },
  });
}
