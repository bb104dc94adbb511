/** How much a model is told at once (INV-9). Counted with a real tokenizer; the rest is a call away. */

import { loadTokenCounter } from "../context/token-counter.ts";

export const ANSWER_LIMITS = {
  /** All tools together, as `tools/list` gives them. */
  toolListTokens: 6_000,
  /** One page of a list. */
  pageTokens: 2_000,
  /** A result, a context, a description: each. */
  valueTokens: 2_000,
  /** What a task's dependencies came to, each. */
  dependencyTokens: 200,
  titleChars: 120,
  noteChars: 300,
  /** Of an error, which may repeat what it was given. */
  errorChars: 2_000,
  /** A resource: it is read by a client on purpose, not by a model by the way. */
  resourceBytes: 256 << 10,
  /** How long a call waits for a task at most. */
  waitSeconds: 300,
} as const;

/** How many of these texts, from the first, fit; at least one, so that a list always goes on. */
export async function countFitting(texts: readonly string[], budget: number): Promise<number> {
  // No token is less than a byte, so what is short enough need not be counted.
  if (texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) <= budget) return texts.length;
  const counter = await loadTokenCounter();
  let used = 0;
  for (const [at, text] of texts.entries()) {
    // Rows of lists are told again and again, so what they come to is worth remembering.
    const tokens = counter.countLines([text], budget - used);
    if (tokens === false) return Math.max(1, at);
    used += tokens;
  }
  return texts.length;
}

export interface CutText {
  readonly text: string;
  readonly isCut: boolean;
}

/** The beginning of a text that fits. */
export async function cutToTokens(text: string, budget: number): Promise<CutText> {
  if (Buffer.byteLength(text) <= budget) return { text, isCut: false };
  const counter = await loadTokenCounter();
  // What cannot fit whatever its tokens are need not be looked at: a token is at most so many characters of ordinary text.
  const kept = counter.cut(text.slice(0, budget * LONGEST_TOKEN), budget);
  return { text: kept, isCut: kept.length < text.length };
}

const LONGEST_TOKEN = 16;

export function shortenTo(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars - 1)}…` : text;
}
