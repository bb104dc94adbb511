/**
 * Finding facts by meaning, at any number of them. Of each vector the signs of its numbers are kept in memory, one bit each
 * (192 bytes for 1,536 numbers); all of them are compared by counting differing bits, and the nearest are compared again
 * in full. The bits are read from the store once per process and model, and then only what is new.
 */

import type { Fact } from "../domain/fact.ts";
import type { SearchFacts } from "../store/commands/fact-search.ts";
import { factsOfContents, listFactTexts } from "../store/commands/fact-search.ts";
import { findVectors, listVectors } from "../store/commands/vectors.ts";
import type { Store } from "../store/port.ts";
import type { ByteVector, EmbedDeps, Embedder } from "./embedder.ts";
import { decodeVector, similarity, textToEmbed, vectorsFor } from "./embedder.ts";

/** What is known of the vectors in a store. */
interface VectorIndex {
  readonly signs: Map<string, Uint32Array>;
  /** Up to where vectors were read, and facts were looked at for being embedded. */
  vectorsRead: number;
  factsSeen: number;
}

const indexes = new WeakMap<Store, Map<string, VectorIndex>>();

/** Facts embedded by one recall at most: in a large project the first few recalls make the vectors. */
const EMBEDDED_PER_RECALL = 512;
const READ_AT_ONCE = 500;

interface FindByMeaning extends Pick<SearchFacts, "kinds" | "statuses" | "limit"> {
  readonly query: string;
}

/** The most alike first. @throws Error whatever the embedder throws */
export async function findByMeaning(
  deps: EmbedDeps & { readonly embedder: Embedder },
  { query, limit, kinds, statuses }: FindByMeaning,
): Promise<readonly Fact[]> {
  const { store, embedder } = deps;
  const index = indexOf(store, embedder.model);
  await embedNewFacts(deps, index);
  await readNewVectors(deps, index);
  const asked = textToEmbed(query);
  const vector = (await vectorsFor(deps, [asked])).get(asked.hash);
  if (vector === undefined) return [];
  const hashes = nearest(index, signsOf(vector), limit * 2);
  const kept = await store.execute(findVectors, { model: embedder.model, hashes });
  const scores = new Map(kept.map((found) => [found.hash, similarity(vector, decodeVector(found.vector))]));
  const facts = await store.execute(factsOfContents, { hashes, kinds, statuses });
  return facts
    .toSorted((a, b) => (scores.get(b.hash) ?? -1) - (scores.get(a.hash) ?? -1))
    .slice(0, limit)
    .map(({ fact }) => fact);
}

function indexOf(store: Store, model: string): VectorIndex {
  const ofStore = indexes.get(store) ?? new Map<string, VectorIndex>();
  indexes.set(store, ofStore);
  const index = ofStore.get(model) ?? { signs: new Map<string, Uint32Array>(), vectorsRead: 0, factsSeen: 0 };
  ofStore.set(model, index);
  return index;
}

async function embedNewFacts(deps: EmbedDeps & { readonly embedder: Embedder }, index: VectorIndex): Promise<void> {
  const found = await deps.store.execute(listFactTexts, { after: index.factsSeen, limit: EMBEDDED_PER_RECALL });
  const fresh = found.filter(({ text }) => text !== "");
  if (fresh.length > 0) await vectorsFor(deps, fresh);
  index.factsSeen = found.at(-1)?.seq ?? index.factsSeen;
}

async function readNewVectors(
  { store, embedder }: EmbedDeps & { readonly embedder: Embedder },
  index: VectorIndex,
): Promise<void> {
  for (let more = true; more;) {
    const input = { model: embedder.model, after: index.vectorsRead, limit: READ_AT_ONCE };
    const page = await store.execute(listVectors, input);
    for (const { hash, vector } of page.vectors) index.signs.set(hash, signsOf(decodeVector(vector)));
    index.vectorsRead = page.last;
    more = page.next !== null;
  }
}

function signsOf(vector: ByteVector): Uint32Array {
  const words = new Uint32Array(Math.ceil(vector.length / 32));
  for (let at = 0; at < vector.length; at += 1) {
    if ((vector[at] ?? 0) < 0) words[at >> 5] = (words[at >> 5] ?? 0) | (1 << (at & 31));
  }
  return words;
}

/** Hashes of the texts whose signs differ least, found by counting how many texts differ by how much. */
function nearest({ signs }: VectorIndex, asked: Uint32Array, limit: number): readonly string[] {
  const byDistance: string[][] = [];
  for (const [hash, words] of signs) {
    if (words.length !== asked.length) continue;
    let distance = 0;
    for (let at = 0; at < words.length; at += 1) distance += bitsIn((words[at] ?? 0) ^ (asked[at] ?? 0));
    (byDistance[distance] ??= []).push(hash);
  }
  return byDistance.flat().slice(0, limit);
}

/** How many bits of 32 are set (Warren, "Hacker's Delight", 5-1). */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
