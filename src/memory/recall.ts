/**
 * Recalling facts: those that answer a question best, within a budget of tokens, each with its source. Found by words through
 * the store's full-text search and ranked by BM25; where an embedding model is at hand, also found by meaning, and the two
 * rankings fused. Facts that are questioned come after those that hold.
 */

import { loadTokenCounter } from "../context/token-counter.ts";
import type { TokenCounter } from "../context/token-counter.ts";
import type { Fact, FactKind, FactStatus } from "../domain/fact.ts";
import { factLine } from "../domain/fact-text.ts";
import { getFacts, searchFacts } from "../store/commands/fact-search.ts";
import { scoreTexts } from "./bm25.ts";
import type { EmbedDeps } from "./embedder.ts";
import { withoutVectors } from "./embedder.ts";
import { fuseRankings } from "./rank-fusion.ts";
import { isUnspaced, queryTerms, wordsOf } from "./words.ts";

export interface RecallFacts {
  readonly query: string;
  /** Of the answer's text. */
  readonly maxTokens: number;
  /** `null` is all. */
  readonly kinds: readonly FactKind[] | null;
  readonly statuses: readonly FactStatus[];
  /** Most facts. */
  readonly limit: number;
}

export interface Recalled {
  /** A line a fact with its source and short id; at most `maxTokens`. Empty when nothing was found or nothing fits. */
  readonly text: string;
  readonly tokenCount: number;
  /** Those in the text, in its order. */
  readonly facts: readonly Fact[];
  /** Found as well, but over the budget or the limit. */
  readonly leftOut: number;
  /** What did not go as asked, such as an embedding model that failed. */
  readonly notices: readonly string[];
}

/** Facts that are ranked. */
const CANDIDATES = 200;

export async function recallFacts(deps: EmbedDeps, input: RecallFacts): Promise<Recalled> {
  const { kinds, statuses, query, limit } = input;
  const byWords = await rankByWords(deps, input);
  const { facts: byMeaning, notices } = await rankByMeaning(deps, { query, kinds, statuses });
  const ranked = byMeaning === null ? byWords : fuse(byWords, byMeaning);
  const order = ranked.toSorted((a, b) => STANDING.indexOf(a.status) - STANDING.indexOf(b.status));
  const factIds = order.slice(0, limit).map(({ id }) => id);
  const facts = await deps.store.execute(getFacts, { factIds });
  const answer = answerOf(await loadTokenCounter(), facts, input.maxTokens);
  return { ...answer, leftOut: order.length - answer.facts.length, notices };
}

/** Those that hold come first. */
const STANDING: readonly FactStatus[] = ["active", "questioned", "superseded", "retired"];

async function rankByWords({ store }: EmbedDeps, { query, kinds, statuses }: RecallFacts): Promise<readonly Fact[]> {
  const terms = queryTerms(query);
  if (terms.length === 0) return [];
  const unspaced = terms.filter(isUnspaced);
  const found = await store.execute(searchFacts, { terms, unspaced, kinds, statuses, limit: CANDIDATES });
  const asked = terms.map((term) => wordsOf(term));
  const frequencies = new Map(
    asked.flatMap((words, at) => words.map((word) => [word, found.frequencies[at] ?? 0] as const)),
  );
  const texts = found.facts.map(({ text }) => wordsOf(text));
  const scores = scoreTexts({ texts, total: found.total, frequencies }, asked.flat());
  return found.facts
    .map((fact, at) => ({ fact, score: (scores[at] ?? 0) * (0.5 + fact.trust / 2) }))
    .toSorted((a, b) => b.score - a.score)
    .map(({ fact }) => fact);
}

async function rankByMeaning(
  deps: EmbedDeps,
  asked: Pick<RecallFacts, "query" | "kinds" | "statuses">,
): Promise<{ readonly facts: readonly Fact[] | null; readonly notices: readonly string[] }> {
  const { embedder } = deps;
  if (embedder === null) return { facts: null, notices: [] };
  try {
    const { findByMeaning } = await import("./fact-vectors.ts");
    return { facts: await findByMeaning({ ...deps, embedder }, { ...asked, limit: CANDIDATES }), notices: [] };
  } catch (error) {
    return { facts: null, notices: [withoutVectors(error)] };
  }
}

function fuse(byWords: readonly Fact[], byMeaning: readonly Fact[]): readonly Fact[] {
  const facts = new Map([...byWords, ...byMeaning].map((fact) => [fact.id, fact]));
  const scores = fuseRankings([byWords.map(({ id }) => id), byMeaning.map(({ id }) => id)]);
  return [...facts.values()].toSorted((a, b) => (scores.get(b.id) ?? 0) - (scores.get(a.id) ?? 0));
}

/** Facts after one that does not fit that are still tried. */
const MOST_MISSES = 5;

/** As many facts as fit. The best is cut rather than left out, so that an answer is never empty for being long. */
export function answerOf(
  counter: TokenCounter,
  facts: readonly Fact[],
  maxTokens: number,
): Pick<Recalled, "text" | "tokenCount" | "facts"> {
  const shown: { readonly fact: Fact; readonly line: string }[] = [];
  let used = 0;
  let misses = 0;
  for (const fact of facts) {
    if (misses === MOST_MISSES) break;
    const line = factLine(fact).toWellFormed();
    const cost = counter.count(line) + 1;
    if (used + cost > maxTokens + 1) misses += 1;
    else {
      used += cost;
      shown.push({ fact, line });
    }
  }
  const [best] = facts;
  if (shown.length === 0 && best !== undefined) shown.push({ fact: best, line: cutLine(counter, best, maxTokens) });
  const textOf = (): string => shown.map(({ line }) => line).join("\n");
  // Tokens of parts do not add up exactly to those of the whole.
  while (shown.length > 0 && (counter.count(textOf()) > maxTokens || shown.at(-1)?.line === "")) shown.pop();
  const text = textOf();
  return { text, tokenCount: counter.count(text), facts: shown.map(({ fact }) => fact) };
}

const LEAST_TEXT_CHARS = 20;

/** The longest beginning of the fact's text with which its line fits; empty when hardly any does. */
function cutLine(counter: TokenCounter, fact: Fact, maxTokens: number): string {
  const lineWith = (chars: number): string =>
    factLine({ ...fact, text: `${fact.text.slice(0, chars)}…` }).toWellFormed();
  let [fits, tooLong] = [0, fact.text.length];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (counter.count(lineWith(middle)) <= maxTokens) fits = middle;
    else tooLong = middle;
  }
  return fits < LEAST_TEXT_CHARS ? "" : lineWith(fits);
}
