/** Words of a text, for finding and ranking by them. */

const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** Scripts that put no spaces between words: a run of them is taken in pairs of characters. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const BEYOND_ASCII = /\P{ASCII}/u;
const CASE_BORDER = /(\p{Ll}|\p{N})(\p{Lu})/gu;

/** Lower case, in order, parts of `camelCase` and `snake_case` apart; English endings taken off, so that `caching` meets `cached`. */
export function wordsOf(text: string): readonly string[] {
  const parts = text.replaceAll(CASE_BORDER, "$1 $2").toLowerCase();
  if (!BEYOND_ASCII.test(parts)) return (parts.match(/[a-z0-9]+/g) ?? []).map(stem);
  return (parts.normalize("NFKC").match(WORD) ?? []).flatMap((word) => (isUnspaced(word) ? pairs(word) : stem(word)));
}

export function isUnspaced(word: string): boolean {
  return UNSPACED.test(word);
}

function pairs(word: string): readonly string[] {
  const characters = [...word];
  if (characters.length < 3) return [word];
  return characters.slice(1).map((character, at) => `${characters[at] ?? ""}${character}`);
}

/** Stems of words that were met; texts of one project use the same words again and again. */
const stems = new Map<string, string>();
const MOST_STEMS = 20_000;

function stem(word: string): string {
  const known = stems.get(word);
  if (known !== undefined) return known;
  if (stems.size >= MOST_STEMS) stems.clear();
  const cut = withoutEnding(word);
  stems.set(word, cut);
  return cut;
}

/** Cuts what English adds to words. Crude, and the same for what is asked and what is searched. */
function withoutEnding(word: string): string {
  if (word.length < 5) return word.length === 4 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, 3) : word;
  const cut = word.replace(/(?:ations?|ating|ated?|ings?|ies|ied|ers?|ed|es|ly|s|e|y)$/, "");
  return cut.length < 3 ? word : cut.replace(/(.)\1$/, "$1");
}

/** English words that say little of what is asked. */
const COMMON: ReadonlySet<string> = new Set(
  `a about all an and any are as at be been but by can could did do does for from had has have how i if in into is it its me my
  no not of on or our shall should so that the their them then there these they this to us was we were what when where which
  who why will with would you your`.split(/\s+/),
);

const MOST_TERMS = 16;

/**
 * The words to look for, each once, lower case and whole: those that say something, the longest first, or all when none
 * does. At most 16.
 */
export function queryTerms(query: string): readonly string[] {
  const words = [...new Set(query.normalize("NFKC").toLowerCase().match(WORD) ?? [])];
  const telling = words.filter((word) => !COMMON.has(word));
  const chosen = telling.length > 0 ? telling : words;
  return chosen.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1)).slice(0, MOST_TERMS);
}
