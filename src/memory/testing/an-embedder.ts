/** A stand-in for an embedding model: words that mean the same point the same way. */

import type { Embedder } from "../embedder.ts";

const MEANINGS: readonly (readonly string[])[] = [
  ["database", "sqlite", "postgres", "storage"],
  ["bill", "invoice", "money", "price"],
  ["login", "password", "sign"],
  ["colour", "green", "red"],
];

export interface TestEmbedder extends Embedder {
  /** How many texts were embedded. */
  readonly embedded: () => number;
}

export function anEmbedder(fails: () => boolean = () => false): TestEmbedder {
  let count = 0;
  return {
    model: "test-model",
    embedded: () => count,
    embed(texts) {
      if (fails()) return Promise.reject(new Error("the model is away"));
      count += texts.length;
      return Promise.resolve(texts.map(vectorOf));
    },
  };
}

function vectorOf(text: string): Float32Array {
  const lower = text.toLowerCase();
  const meanings = MEANINGS.map((words) => (words.some((word) => lower.includes(word)) ? 1 : -0.5));
  // Repeated, so that signs alone tell meanings apart.
  return Float32Array.from({ length: 64 }, (_, at) => meanings[at % MEANINGS.length] ?? 0);
}
