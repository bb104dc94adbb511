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
  /**
   * `count` of the lines joined by line feeds, or `false` once it is over `budget`. What a line comes to is remembered, so
   * that a text of lines that were counted before costs little. No line begins with white space or a slash.
   */
  countLines(lines: readonly string[], budget: number): number | false;
  /** The longest beginning of the text that has at most `budget` tokens; whole code points. */
  cut(text: string, budget: number): string;
}

/** What the tokenizer takes as one word takes time squared: longer runs without a space are counted in pieces of this many characters. */
const LONGEST_RUN = 256;
/** Of longer lines the words are. */
const LONGEST_REMEMBERED = 256;
const MOST_REMEMBERED = 8_192;

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

  const remembered = new Map<string, number>();

  function countRemembered(text: string): number {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const tokens = count(text);
    if (text.length > LONGEST_REMEMBERED) return tokens;
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(text, tokens);
    return tokens;
  }

  function countLines(lines: readonly string[], budget: number): number | false {
    let total = 0;
    for (const line of withLineEnds(lines)) {
      for (const part of line.length > LONGEST_REMEMBERED ? wordsOf(line) : [line]) {
        total += countRemembered(part);
        if (total > budget) return false;
      }
    }
    return total;
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
    return text.slice(0, wholeCodePoints(text, longest));
  }

  return { count, fits, countLines, cut };
}

/**
 * Lines with the line feeds behind them, also those of the empty lines that follow. The tokenizer never takes what is before
 * and behind such a place for one word, unless a slash or white space is behind it, so what the parts count adds up exactly.
 */
function* withLineEnds(lines: readonly string[]): Generator<string> {
  let part = lines[0] ?? "";
  for (const line of lines.slice(1)) {
    part += "\n";
    if (line === "") continue;
    yield part;
    part = line;
  }
  yield part;
}

/** The line, cut before each single space, where the tokenizer always begins a new word. */
function* wordsOf(line: string): Generator<string> {
  let from = 0;
  for (let at = line.indexOf(" ", 1); at !== -1; at = line.indexOf(" ", at + 1)) {
    if (!/^\S \S$/.test(line.slice(at - 1, at + 2))) continue;
    yield line.slice(from, at);
    from = at;
  }
  yield line.slice(from);
}

/** The text, cut within runs that are too long. */
function* piecesOf(text: string): Generator<string> {
  let from = 0;
  let runFrom = 0;
  while (text.length - runFrom > LONGEST_RUN) {
    const space = lastSpaceWithin(text, { from: runFrom, to: runFrom + LONGEST_RUN });
    if (space !== -1) {
      runFrom = space + 1;
      continue;
    }
    runFrom = wholeCodePoints(text, runFrom + LONGEST_RUN);
    yield text.slice(from, runFrom);
    from = runFrom;
  }
  yield text.slice(from);
}

/** Looked for from the end, so that a text of ordinary words is passed over in strides. */
function lastSpaceWithin(text: string, { from, to }: { readonly from: number; readonly to: number }): number {
  for (let at = to; at >= from; at -= 1) if (isSpace(text.charCodeAt(at))) return at;
  return -1;
}

/** Such as end a run; rare ones only make it longer. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** `at`, or one less where that is within a surrogate pair. */
function wholeCodePoints(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  return before >= 0xd8_00 && before <= 0xdb_ff ? at - 1 : at;
}
