/**
 * Ranking texts by how well they answer a query: BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework",
 * 2009) with k1 = 1.2 and b = 0.75, over texts at hand, without an index.
 */

const K1 = 1.2;
const B = 0.75;

export interface Collection {
  /** The words of each text. */
  readonly texts: readonly (readonly string[])[];
  /** How many texts there are in all, when those at hand are a choice of them. */
  readonly total?: number;
  /** In how many of them a word is, when known better than from the texts at hand. */
  readonly frequencies?: ReadonlyMap<string, number>;
}

/** A score for each text, 0 for one that holds no word of the query. */
export function scoreTexts({ texts, total, frequencies }: Collection, query: readonly string[]): readonly number[] {
  const wanted = new Set(query);
  const counted = texts.map((words) => countWanted(words, wanted));
  const meanLength = Math.max(1, texts.reduce((sum, words) => sum + words.length, 0) / Math.max(1, texts.length));
  const weights = new Map<string, number>();
  for (const word of wanted) {
    const seen = counted.reduce((sum, counts) => sum + (counts.has(word) ? 1 : 0), 0);
    const all = Math.max(total ?? 0, texts.length);
    const frequency = Math.min(all, Math.max(frequencies?.get(word) ?? 0, seen));
    weights.set(word, Math.log(1 + (all - frequency + 0.5) / (frequency + 0.5)));
  }
  return counted.map((counts, at) => {
    const norm = K1 * (1 - B + (B * (texts[at]?.length ?? 0)) / meanLength);
    let score = 0;
    for (const [word, count] of counts) score += ((weights.get(word) ?? 0) * count * (K1 + 1)) / (count + norm);
    return score;
  });
}

function countWanted(words: readonly string[], wanted: ReadonlySet<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) if (wanted.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
