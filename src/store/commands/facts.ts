/**
 * Facts: recording, replacing, forgetting, confirming and rewording them. A text that says what a fact in force says is
 * that fact again, also when it is a recalled line handed back; one that says what a fallen fact said is not recorded
 * unless asked for, so that what was given up does not creep back in from a model's context.
 */

import { PerdureError } from "../../base/errors.ts";
import { sha256 } from "../../base/sha256.ts";
import { echoesOf, factTextOf, normalizedText } from "../../domain/fact-text.ts";
import type { Fact, FactKind, FactStatus } from "../../domain/fact.ts";
import { factMachine, isInForce } from "../../domain/fact.ts";
import type { FactId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import { transition } from "../../domain/state-machine.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, oneRow } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { insertRow, updateRow } from "../rows.ts";
import { FACTS } from "../tables.ts";
import type { Fallen } from "./fact-graph.ts";
import { dependOn, fall, refuseTooMany } from "./fact-graph.ts";
import { factName, factRow, loadFact, rowsOfContent } from "./fact-rows.ts";

export interface RememberFact {
  readonly text: string;
  readonly kind: FactKind;
  /** Where it comes from: a person, a task, a file. */
  readonly source: string;
  /** 0–1. */
  readonly trust: number;
  /** The fact it replaces. */
  readonly supersedes: FactId | null;
  /** Facts it is built on. */
  readonly dependsOn: readonly FactId[];
  /** Record it even though it says what a fallen fact said. */
  readonly again: boolean;
}

export interface Remembered {
  /** `known`: a fact in force says so already. `outdated`: one that has fallen says so, and nothing was recorded. */
  readonly outcome: "recorded" | "known" | "outdated";
  /** What was recorded, or is known; for `outdated` the fallen one. */
  readonly fact: Fact;
  /** The fact it replaced, with what that put in question. */
  readonly superseded: Fallen | null;
}

/** Whole or not at all. @throws PerdureError `invalid-input`, `not-found`, `wrong-state`, `limit-reached` */
export const rememberFact = defineWrite("remember-fact", function* (context, input: RememberFact): Command<Remembered> {
  checkFact(input);
  const replaced = input.supersedes === null ? null : yield* factRow(context, input.supersedes);
  if (replaced !== null && input.dependsOn.includes(text(replaced.id) as FactId)) throw restsOnReplaced(replaced);
  const { inForce, fallen } = yield* findSame(context, input.text);
  if (inForce !== null && inForce.id !== replaced?.id) return yield* affirm(context, inForce, { input, replaced });
  if (inForce !== null) throw replacesItself(inForce);
  if (fallen !== null && replaced === null && !input.again)
    return { outcome: "outdated", fact: yield* loadFact(context, fallen), superseded: null };
  const row = yield* insertFact(context, input);
  yield* dependOn(context, row, input.dependsOn);
  const superseded = yield* replace(context, replaced, row);
  return { outcome: "recorded", fact: yield* loadFact(context, yield* factRow(context, text(row.id))), superseded };
});

/** The fact of this text that is in force, and the newest that is not. A text of several lines is known when all of them are. */
function* findSame(
  context: CommandContext,
  said: string,
): Command<{ readonly inForce: Row | null; readonly fallen: Row | null }> {
  const { whole, lines } = echoesOf(said);
  let fallen: Row | null = null;
  for (const normalized of whole) {
    for (const row of yield* rowsOfContent(context, contentHash(normalized))) {
      if (isInForce(text(row.status) as FactStatus)) return { inForce: row, fallen };
      fallen = row;
    }
  }
  let first: Row | null = null;
  for (const normalized of lines) {
    const found = yield* rowsOfContent(context, contentHash(normalized));
    const line = found.find((row) => isInForce(text(row.status) as FactStatus));
    if (line === undefined) return { inForce: null, fallen };
    first ??= line;
  }
  return { inForce: first, fallen };
}

/** Of a normalized text. */
export function contentHash(normalized: string): string {
  return sha256().update(normalized).digest("hex");
}

/** The same again: the higher trust counts, what it is built on is added, and the source stays that of who said it first. */
function* affirm(
  context: CommandContext,
  row: Row,
  { input, replaced }: { readonly input: RememberFact; readonly replaced: Row | null },
): Command<Remembered> {
  const trust = Math.max(Number(row.trust), input.trust);
  const patch = { trust, ...(trust === row.trust ? {} : { updated_at: context.now }) };
  const affirmed = yield* updateRow(context, FACTS, row, { verb: "affirm", note: `by ${input.source}`, patch });
  yield* dependOn(context, affirmed, input.dependsOn);
  const superseded = yield* replace(context, replaced, affirmed);
  return { outcome: "known", fact: yield* loadFact(context, yield* factRow(context, text(row.id))), superseded };
}

function* insertFact(context: CommandContext, input: RememberFact): Command<Row> {
  yield* refuseFull(context, 1);
  refuseTooMany(input.dependsOn.length, JSON.stringify(input.text.slice(0, 80).toWellFormed()));
  const said = factTextOf(input.text);
  const values = {
    id: context.uuid(),
    kind: input.kind,
    text: said,
    source: input.source.trim(),
    trust: input.trust,
    status: "active",
    status_note: null,
    content_hash: contentHash(normalizedText(said)),
    supersedes_id: input.supersedes,
    version: 1,
    created_at: context.now,
    updated_at: context.now,
  };
  return yield* insertRow(context, FACTS, values, { verb: "remember" });
}

/** @throws PerdureError `limit-reached` when so many more do not fit into the project */
export function* refuseFull(context: CommandContext, added: number): Command<void> {
  const load = yield* oneRow("select facts from project_loads where project_id = ?", context.projectId);
  const count = load === null ? 0 : integer(load.facts);
  if (count + added <= LIMITS.facts) return;
  throw new PerdureError("limit-reached", {
    message: `This project has ${count} facts; at most ${LIMITS.facts} are kept`,
    hint: "Keep what is many and regular in files, and facts for what is worth recalling.",
    details: { count, limit: LIMITS.facts },
  });
}

function* replace(context: CommandContext, replaced: Row | null, by: Row): Command<Fallen | null> {
  if (replaced === null) return null;
  if (by.supersedes_id === null || by.supersedes_id === undefined) {
    const patch = { supersedes_id: text(replaced.id), updated_at: context.now };
    yield* updateRow(context, FACTS, by, { verb: "replace", patch });
  }
  return yield* fall(context, replaced, { verb: "supersede", note: `replaced by ${factName(by)}` });
}

export interface ForgetFact {
  readonly factId: FactId;
  readonly reason: string;
}

/** Takes a fact out of force; it stays readable. @throws PerdureError `not-found`, `wrong-state` */
export const forgetFact = defineWrite("forget-fact", function* (context, input: ForgetFact): Command<Fallen> {
  checkNote(input.reason);
  return yield* fall(context, yield* factRow(context, input.factId), { verb: "retire", note: input.reason.trim() });
});

/** Says that a questioned fact still holds. @throws PerdureError `not-found`, `wrong-state` when it is not questioned */
export const confirmFact = defineWrite(
  "confirm-fact",
  function* (context, input: { readonly factId: FactId; readonly note: string | null }): Command<Fact> {
    if (input.note !== null) checkNote(input.note);
    const row = yield* factRow(context, input.factId);
    const status = transition(factMachine, { name: factName(row), from: text(row.status) as FactStatus }, "confirm");
    const patch = { status, status_note: null, updated_at: context.now };
    return yield* loadFact(
      context,
      yield* updateRow(context, FACTS, row, { verb: "confirm", note: input.note, patch }),
    );
  },
);

/**
 * Rewords a fact in force: a new version of the same fact, and what is built on it stays as it is. A fact that says
 * something else is a new one that supersedes it.
 *
 * @throws PerdureError `not-found`, `wrong-state`, `conflict` when another fact says so already
 */
export const editFact = defineWrite(
  "edit-fact",
  function* (context, input: { readonly factId: FactId; readonly text: string }): Command<Fact> {
    checkText(input.text);
    const row = yield* factRow(context, input.factId);
    if (!isInForce(text(row.status) as FactStatus)) throw fallenCannotChange(row);
    const said = factTextOf(input.text);
    const hash = contentHash(normalizedText(said));
    const same = (yield* rowsOfContent(context, hash)).find(
      (other) => other.id !== row.id && isInForce(text(other.status) as FactStatus),
    );
    if (same !== undefined) throw saidAlready(same);
    if (said === row.text) return yield* loadFact(context, row);
    const patch = { text: said, content_hash: hash, version: integer(row.version) + 1, updated_at: context.now };
    return yield* loadFact(context, yield* updateRow(context, FACTS, row, { verb: "edit", patch }));
  },
);

/** @throws PerdureError `invalid-input`, `limit-reached` */
export function checkFact({ text: said, source, trust }: Pick<RememberFact, "text" | "source" | "trust">): void {
  checkText(said);
  if (source.trim() === "")
    throw invalid("A fact without a source", "Say where it comes from: a person, a task, a file.");
  checkChars(source, "The source of a fact", LIMITS.factSourceChars);
  if (!(trust >= 0 && trust <= 1)) throw invalid(`The trust ${trust}`, "It is a number from 0 to 1.");
}

function checkText(said: string): void {
  if (said.trim() === "") throw invalid("A fact without text", "Say what is to be remembered.");
  checkChars(said, "The text of a fact", LIMITS.factChars);
}

function checkNote(note: string): void {
  if (note.trim() === "") throw invalid("A reason without text", "Say why, in a few words.");
  checkChars(note, "The reason", LIMITS.factNoteChars);
}

function checkChars(said: string, what: string, limit: number): void {
  if (!said.isWellFormed() || said.includes("\u0000"))
    throw invalid(`${what} holds what is no character`, "Pass whole characters and no NUL.");
  if (said.length <= limit) return;
  throw new PerdureError("limit-reached", {
    message: `${what} has ${said.length} characters; at most ${limit} are kept`,
    hint: "Say it in fewer words, or keep it in a file and remember where it is.",
    details: { chars: said.length, limit },
  });
}

function invalid(what: string, hint: string): PerdureError {
  return new PerdureError("invalid-input", { message: `${what} cannot be kept`, hint });
}

function restsOnReplaced(row: Row): PerdureError {
  return new PerdureError("invalid-input", {
    message: `A fact cannot be built on ${factName(row)} and replace it`,
    hint: "Leave one of the two out.",
    details: { factId: row.id },
  });
}

function replacesItself(row: Row): PerdureError {
  return new PerdureError("conflict", {
    message: `Fact ${factName(row)} says this already and cannot replace itself`,
    hint: "Leave supersedes out, or reword the fact: `perdure facts edit FACT TEXT`.",
    details: { factId: row.id },
  });
}

function fallenCannotChange(row: Row): PerdureError {
  return new PerdureError("wrong-state", {
    message: `Fact ${factName(row)} is ${text(row.status)} and stays as it was`,
    hint: "Record a new fact: `perdure remember TEXT`.",
    details: { factId: row.id, status: row.status },
  });
}

function saidAlready(row: Row): PerdureError {
  return new PerdureError("conflict", {
    message: `Fact ${factName(row)} says this already`,
    hint: "Forget one of the two, or reword it differently.",
    details: { factId: row.id },
  });
}
