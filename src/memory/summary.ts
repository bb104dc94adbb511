/**
 * A session's working memory within a budget of tokens: which entries a summary shows, and its text. The same for the same
 * entries at the same time, and never over the budget: the whole text is counted before it is handed out.
 */

import type { TokenCounter } from "../context/token-counter.ts";
import type { SessionId } from "../domain/ids.ts";
import type { MemoryOutline, MemoryPreview } from "../store/commands/memory-queries.ts";
import { describeFocus } from "../store/commands/memory-queries.ts";
import { scoreTexts } from "./bm25.ts";
import type { EmbedDeps } from "./embedder.ts";
import { similarity, textToEmbed, vectorsFor, withoutVectors } from "./embedder.ts";
import type { MemoryBackend } from "./memory-backend.ts";
import { fuseRankings } from "./rank-fusion.ts";
import { wordsOf } from "./words.ts";

/**
 * `recent`: the last updated first. `important`: the most important first. `semantic`: what has to do with the running and
 * the next tasks and the goal first.
 */
export type SummaryStrategy = "recent" | "important" | "semantic";

export interface MemorySummary {
  /** At most `maxTokens`; empty when not even the first line fits. */
  readonly text: string;
  readonly tokenCount: number;
  readonly strategy: SummaryStrategy;
  readonly included: number;
  readonly leftOut: number;
  /** What did not go as asked, such as an embedding model that failed. */
  readonly notices: readonly string[];
}

export interface SummarizeMemory {
  readonly sessionId: SessionId;
  readonly strategy: SummaryStrategy;
  readonly maxTokens: number;
}

export interface SummaryDeps extends EmbedDeps {
  readonly backend: MemoryBackend;
  readonly counter: TokenCounter;
}

/** Of a value, for showing and for ranking. */
const PREVIEW_CHARS = 2_000;
const RANKED_CHARS = 500;
/** Entries that are looked at for ranking by relevance: the last updated. */
const MOST_RANKED = 5_000;
/** No line takes fewer tokens. */
const LEAST_LINE_TOKENS = 3;

export async function summarizeMemory(deps: SummaryDeps, input: SummarizeMemory): Promise<MemorySummary> {
  const { strategy, sessionId, maxTokens } = input;
  const isSemantic = strategy === "semantic";
  const outline = await deps.backend.outline({
    sessionId,
    order: strategy === "important" ? "important" : "recent",
    limit: isSemantic ? MOST_RANKED : Math.min(MOST_RANKED, Math.ceil(maxTokens / LEAST_LINE_TOKENS)),
    previewChars: PREVIEW_CHARS,
  });
  const { entries, notices } = isSemantic
    ? await byRelevance(deps, sessionId, outline.entries)
    : { entries: outline.entries, notices: [] };
  return {
    ...renderSummary(deps.counter, { outline: { ...outline, entries }, strategy, maxTokens }),
    strategy,
    notices,
  };
}

interface Ranked {
  readonly entries: readonly MemoryPreview[];
  readonly notices: readonly string[];
}

/** By words, and by meaning where a model is at hand; what is equally relevant, by importance, then the last updated first. */
async function byRelevance(deps: SummaryDeps, sessionId: SessionId, recent: readonly MemoryPreview[]): Promise<Ranked> {
  const focus = await deps.store.execute(describeFocus, { sessionId });
  const entries = recent.toSorted((a, b) => b.importance - a.importance);
  const query = wordsOf(focus.join(" "));
  const texts = entries.map(textOf);
  const scores = scoreTexts({ texts: texts.map(wordsOf) }, query);
  const byWords = ranking(entries, scores).filter((at) => (scores[at] ?? 0) > 0);
  const { ranked: byMeaning, notices } = await rankByMeaning(deps, focus.join("\n"), texts);
  const fused = fuseRankings(byMeaning === null ? [byWords] : [byWords, byMeaning]);
  const order = ranking(
    entries,
    entries.map((_, at) => fused.get(at) ?? 0),
  );
  return { entries: order.map((at) => entries[at]).filter((entry) => entry !== undefined), notices };
}

function textOf({ key, preview }: MemoryPreview): string {
  return `${key} ${preview.slice(0, RANKED_CHARS)}`.toWellFormed();
}

/** Places from the highest score to the lowest; those of one score stay in order. */
function ranking(things: readonly unknown[], scores: readonly number[]): readonly number[] {
  return [...things.keys()].toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
}

async function rankByMeaning(
  { store, clock, embedder }: EmbedDeps,
  focus: string,
  texts: readonly string[],
): Promise<{ readonly ranked: readonly number[] | null; readonly notices: readonly string[] }> {
  if (embedder === null || focus === "" || texts.length === 0) return { ranked: null, notices: [] };
  try {
    const [query, ...toRank] = [focus, ...texts].map(textToEmbed);
    const vectors = await vectorsFor({ store, clock, embedder }, query === undefined ? [] : [query, ...toRank]);
    const asked = vectors.get(query?.hash ?? "");
    const scores = toRank.map(({ hash }) => {
      const vector = vectors.get(hash);
      return vector === undefined || asked === undefined ? -1 : similarity(asked, vector);
    });
    return { ranked: ranking(texts, scores), notices: [] };
  } catch (error) {
    return { ranked: null, notices: [withoutVectors(error)] };
  }
}

interface RenderSummary {
  /** With its entries in the order in which they are to be shown. */
  readonly outline: MemoryOutline;
  readonly strategy: SummaryStrategy;
  readonly maxTokens: number;
}

const FIRST: Readonly<Record<SummaryStrategy, string>> = {
  recent: "the last updated",
  important: "the most important",
  semantic: "the most relevant",
};
/** Entries that do not fit, one after another, after which smaller ones are no longer looked for. */
const MOST_MISSES = 10;
const LEAST_VALUE_CHARS = 80;
const CHARS_PER_TOKEN = 3;

export function renderSummary(
  counter: TokenCounter,
  { outline, strategy, maxTokens }: RenderSummary,
): Pick<MemorySummary, "text" | "tokenCount" | "included" | "leftOut"> {
  const { total, entries } = outline;
  if (total === 0) return fitting(counter, "Working memory is empty.", { maxTokens, included: 0, leftOut: 0 });
  const wholeText = (lines: readonly string[]): string => {
    const leftOut = total - lines.length;
    const rest = leftOut === 0 ? "" : `; ${leftOut} left out`;
    return [`Working memory: ${lines.length} of ${total} entries, ${FIRST[strategy]} first${rest}`, ...lines].join(
      "\n",
    );
  };
  const valueChars = Math.max(
    LEAST_VALUE_CHARS,
    Math.min(PREVIEW_CHARS, Math.floor((maxTokens * CHARS_PER_TOKEN) / total)),
  );
  const lines: string[] = [];
  let used = counter.count(wholeText([])) + 2;
  let misses = 0;
  for (const entry of entries) {
    if (misses === MOST_MISSES) break;
    const line = [valueChars, LEAST_VALUE_CHARS]
      .map((chars) => lineOf(entry, chars))
      .find((candidate) => used + counter.count(candidate) + 1 <= maxTokens);
    if (line === undefined) misses += 1;
    else {
      misses = 0;
      used += counter.count(line) + 1;
      lines.push(line);
    }
  }
  // Tokens of parts do not add up exactly to those of the whole.
  while (lines.length > 0 && counter.count(wholeText(lines)) > maxTokens) lines.pop();
  return fitting(counter, wholeText(lines), { maxTokens, included: lines.length, leftOut: total - lines.length });
}

function fitting(
  counter: TokenCounter,
  text: string,
  { maxTokens, ...counts }: { readonly maxTokens: number; readonly included: number; readonly leftOut: number },
): Pick<MemorySummary, "text" | "tokenCount" | "included" | "leftOut"> {
  const tokenCount = counter.count(text);
  return tokenCount <= maxTokens ? { text, tokenCount, ...counts } : { text: "", tokenCount: 0, ...counts };
}

/** `- key: value`, the value as JSON, which is one line, its end left out where it is long. */
function lineOf({ key, preview, isWhole, sizeBytes }: MemoryPreview, valueChars: number): string {
  const value = preview.slice(0, valueChars).toWellFormed();
  const rest = isWhole && preview.length <= valueChars ? "" : `… (${sizeBytes} bytes)`;
  return `- ${key}: ${value}${rest}`.replaceAll(/[\u2028\u2029]/g, " ");
}
