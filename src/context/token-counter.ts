/**
 * Counting tokens with a real tokenizer, that of the newest models of OpenAI (o200k). Other models count a little
 * differently; what must hold for them is left a margin by whoever sets the budget.
 */

/** Loaded once; takes 150 ms and 30 MB, so only what needs a count loads it. */
export interface TokenCounter {
  /** Of the text as a message would hold it: markers such as `<|endoftext|>` count as the text they are. */
  count(text: string): number;
  /** Whether `count` is at most `budget`; takes time by the budget and not by the text. */
  fits(text: string, budget: number): boolean;
  /** The longest beginning of the text that has at most `budget` tokens; whole code points. */
  cut(text: string, budget: number): string;
}

/** What the tokenizer takes as one word takes time squared: longer runs without a space are counted in pieces of this many characters. */
const LONGEST_RUN = 256;
const LONG_RUN = new RegExp(`\\S{${LONGEST_RUN}}(?=\\S)`, "gu");

let loaded: Promise<TokenCounter> | null = null;

export function loadTokenCounter(): Promise<TokenCounter> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<TokenCounter> {
  const { countTokens, isWithinTokenLimit } = await import("gpt-tokenizer/encoding/o200k_base");
  const options = { disallowedSpecial: new Set<string>() };

  function count(text: string): number {
    let total = 0;
    for (const piece of piecesOf(text)) total += countTokens(piece, options);
    return total;
  }

  function fits(text: string, budget: number): boolean {
    let left = budget;
    for (const piece of piecesOf(text)) {
      const tokens = isWithinTokenLimit(piece, Math.max(0, left), options);
      if (tokens === false) return false;
      left -= tokens;
    }
    return left >= 0;
  }

  function cut(text: string, budget: number): string {
    if (budget <= 0) return "";
    if (fits(text, budget)) return text;
    let [longest, tooLong] = [0, text.length];
    while (tooLong - longest > 1) {
      const middle = (longest + tooLong) >> 1;
      if (fits(text.slice(0, middle), budget)) longest = middle;
      else tooLong = middle;
    }
    // Never half of a surrogate pair.
    const last = text.charCodeAt(longest - 1);
    return text.slice(0, last >= 0xd8_00 && last <= 0xdb_ff ? longest - 1 : longest);
  }

  return { count, fits, cut };
}

/** The text, cut within runs that are too long. */
function* piecesOf(text: string): Generator<string> {
  let from = 0;
  if (text.length > LONGEST_RUN) {
    for (const { index, 0: run } of text.matchAll(LONG_RUN)) {
      yield text.slice(from, index + run.length);
      from = index + run.length;
    }
  }
  yield text.slice(from);
}
