/**
 * Counting tokens with a real tokenizer, that of the newest models of OpenAI (o200k). Other models count a little
 * differently; what must hold for them is left a margin by whoever sets the budget.
 */

/** Loaded once; takes 150 ms and 30 MB, so only what needs a count loads it. */
export interface TokenCounter {
  /** Of the text as a message would hold it: markers such as `<|endoftext|>` count as the text they are. */
  count(text: string): number;
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
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  const options = { disallowedSpecial: new Set<string>() };
  const countShort = (text: string): number => countTokens(text, options);

  function count(text: string): number {
    if (text.length <= LONGEST_RUN) return countShort(text);
    let total = 0;
    let from = 0;
    for (const { index, 0: run } of text.matchAll(LONG_RUN)) {
      total += countShort(text.slice(from, index + run.length));
      from = index + run.length;
    }
    return total + countShort(text.slice(from));
  }

  function cut(text: string, budget: number): string {
    if (budget <= 0) return "";
    if (count(text) <= budget) return text;
    let [fits, tooLong] = [0, text.length];
    while (tooLong - fits > 1) {
      const middle = (fits + tooLong) >> 1;
      if (count(text.slice(0, middle)) <= budget) fits = middle;
      else tooLong = middle;
    }
    // Never half of a surrogate pair.
    const last = text.charCodeAt(fits - 1);
    return text.slice(0, last >= 0xd8_00 && last <= 0xdb_ff ? fits - 1 : fits);
  }

  return { count, cut };
}
