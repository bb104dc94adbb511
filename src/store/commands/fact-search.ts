/**
 * Finding the facts that a recall ranks. Ranking every fact that holds a common word would take a second in a large project,
 * so for each word only the newest facts that hold it are taken, and besides the newest that hold all words: a bounded
 * number of candidates whatever is asked. How common a word is, is told by how densely the newest that hold it lie.
 */

import type { Fact, FactKind, FactStatus } from "../../domain/fact.ts";
import { isInForce } from "../../domain/fact.ts";
import type { FactId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { FACT_COLUMNS, loadFact, rowToFact } from "./fact-rows.ts";
import { newestHolding, newestMatches } from "./fact-text-sql.ts";

export interface SearchFacts {
  /** Words, lower case, each once. */
  readonly terms: readonly string[];
  /** Of them those of scripts that put no spaces between words. */
  readonly unspaced: readonly string[];
  readonly kinds: readonly FactKind[] | null;
  readonly statuses: readonly FactStatus[];
  /** Facts to rank. */
  readonly limit: number;
}

export interface FactCandidates {
  /** The likeliest first. What each is built on is left out. */
  readonly facts: readonly Fact[];
  /** In about how many facts each term is. */
  readonly frequencies: readonly number[];
  /** Of facts in the project. */
  readonly total: number;
}

/** For each word. */
const NEWEST = 400;

export const searchFacts = defineRead("search-facts", function* (context, input: SearchFacts): Command<FactCandidates> {
  const load = yield* oneRow("select facts from project_loads where project_id = ?", context.projectId);
  const total = integer(load?.facts ?? 0);
  const scores = new Map<number, number>();
  const frequencies: number[] = [];
  for (const term of input.terms) {
    const found = yield* factsWith(context, term, input);
    const frequency = frequencyOf(found, total);
    frequencies.push(frequency);
    const weight = Math.log(1 + (total - frequency + 0.5) / (frequency + 0.5));
    for (const seq of found) scores.set(seq, (scores.get(seq) ?? 0) + weight);
  }
  if (input.terms.length > 1) {
    // Older than the newest that hold a common word, and yet what was asked for.
    const match = { terms: input.terms, isPrefix: false, ...filterOf(input), limit: NEWEST };
    for (const seq of yield* newestMatches(context, match)) scores.set(seq, Number.MAX_SAFE_INTEGER);
  }
  const likeliest = [...scores].toSorted(([a, x], [b, y]) => y - x || b - a).slice(0, input.limit);
  const found = yield* rowsBySeq(
    context,
    likeliest.map(([seq]) => seq),
  );
  const facts = found.filter((row) => isAsked(row, input)).map((row) => rowToFact(row, []));
  return { facts, frequencies, total };
});

function filterOf({ kinds, statuses }: SearchFacts): Pick<SearchFacts, "kinds" | "statuses"> {
  return { kinds, statuses };
}

/** The index is searched by word; the beginning of a word is tried when no fact holds it whole. */
function* factsWith(context: CommandContext, term: string, input: SearchFacts): Command<readonly number[]> {
  const isUnspaced = input.unspaced.includes(term);
  const match = { terms: [term], ...filterOf(input), limit: NEWEST };
  const whole = yield* newestMatches(context, { ...match, isPrefix: isUnspaced });
  if (whole.length >= ENOUGH_HITS) return whole;
  if (isUnspaced) return yield* newestHolding(context.projectId, { part: term, limit: NEWEST });
  if (whole.length > 0 || term.length < SHORTEST_PREFIX) return whole;
  return yield* newestMatches(context, { ...match, isPrefix: true });
}

const ENOUGH_HITS = 5;
const SHORTEST_PREFIX = 3;

function frequencyOf(found: readonly number[], total: number): number {
  if (found.length < NEWEST) return found.length;
  const span = (found[0] ?? 0) - (found.at(-1) ?? 0) + 1;
  return Math.min(total, Math.round((found.length * total) / span));
}

const BATCH = 100;
// Of whatever project, and filtered below: with the project in it, SQLite would read all facts of the project.
const BATCH_SQL = `select project_id, ${FACT_COLUMNS} from facts where seq in (?${", ?".repeat(BATCH - 1)})`;

/** In the order of `seqs`. */
function* rowsBySeq(context: CommandContext, seqs: readonly number[]): Command<readonly Row[]> {
  const bySeq = new Map<number, Row>();
  for (let from = 0; from < seqs.length; from += BATCH) {
    const batch = seqs.slice(from, from + BATCH);
    const padded = Array.from({ length: BATCH }, (_, at) => batch[at] ?? null);
    for (const row of yield* rows(BATCH_SQL, ...padded))
      if (row.project_id === context.projectId) bySeq.set(integer(row.seq), row);
  }
  return seqs.map((seq) => bySeq.get(seq)).filter((row) => row !== undefined);
}

/** What was not found through the index is filtered here. */
function isAsked(row: Row, { kinds, statuses }: SearchFacts): boolean {
  const isKind = kinds === null || kinds.some((kind) => kind === row.kind);
  return isKind && statuses.some((status) => status === row.status);
}

/** Facts by id, whole, in the order asked; those that are not there are left out. */
export const getFacts = defineRead(
  "get-facts",
  function* (context, input: { readonly factIds: readonly FactId[] }): Command<readonly Fact[]> {
    const sql = `select ${FACT_COLUMNS} from facts where project_id = ? and id = ?`;
    const facts: Fact[] = [];
    for (const id of input.factIds) {
      const row = yield* oneRow(sql, context.projectId, id);
      if (row !== null) facts.push(yield* loadFact(context, row));
    }
    return facts;
  },
);

export interface FactToEmbed {
  readonly seq: number;
  readonly hash: string;
  readonly text: string;
}

/** Facts in force after a position, for embedding them in batches. */
export const listFactTexts = defineRead(
  "list-fact-texts",
  function* (context, input: { readonly after: number; readonly limit: number }): Command<readonly FactToEmbed[]> {
    const sql =
      "select seq, content_hash, text, status from facts where project_id = ? and seq > ? order by seq limit ?";
    const found = yield* rows(sql, context.projectId, input.after, input.limit);
    return found.map((row) => ({
      seq: integer(row.seq),
      hash: text(row.content_hash),
      text: isInForce(text(row.status) as Fact["status"]) ? text(row.text) : "",
    }));
  },
);

/** Facts by the hash of their normalized text. */
export const factsOfContents = defineRead(
  "facts-of-contents",
  function* (
    context,
    input: { readonly hashes: readonly string[] } & Pick<SearchFacts, "kinds" | "statuses">,
  ): Command<readonly { readonly hash: string; readonly fact: Fact }[]> {
    const sql = `select ${FACT_COLUMNS} from facts where project_id = ? and content_hash = ? order by seq`;
    const facts: { hash: string; fact: Fact }[] = [];
    for (const hash of input.hashes) {
      const found = yield* rows(sql, context.projectId, hash);
      for (const row of found.filter((candidate) =>
        isAsked(candidate, { ...input, terms: [], unspaced: [], limit: 0 }),
      ))
        facts.push({ hash, fact: rowToFact(row, []) });
    }
    return facts;
  },
);
