/**
 * Vectors that stand for the meaning of texts. Made by a model that the application brings, kept in the store so that each
 * text is embedded once, and compared as bytes: 8 bits a number lose nothing that ranking would notice.
 */

import type { ClockDep } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { sha256 } from "../base/sha256.ts";
import { findVectors, storeVectors } from "../store/commands/vectors.ts";
import type { StoreDep } from "../store/port.ts";

/** A model that embeds texts: similar texts get vectors that point the same way. */
export interface Embedder {
  /** Names the model; vectors of one are never compared with those of another. */
  readonly model: string;
  /** One vector for each text, in their order, all of one length. At most 64 texts a call. */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
}

export interface EmbedDeps extends StoreDep, ClockDep {
  readonly embedder: Embedder | null;
}

export interface TextToEmbed {
  /** By which its vector is kept. */
  readonly hash: string;
  readonly text: string;
}

/** A vector as it is kept and compared. */
export type ByteVector = Int8Array;

const BATCH = 64;
const TIMEOUT_MS = 15_000;

export function textToEmbed(text: string): TextToEmbed {
  return { hash: sha256().update(text).digest("hex"), text };
}

/**
 * Vectors by hash; those that are not kept yet are made and kept.
 *
 * @throws Error whatever the embedder throws, or when what it returns is no vectors: callers go on without
 */
export async function vectorsFor(
  { store, embedder, clock }: EmbedDeps & { readonly embedder: Embedder },
  texts: readonly TextToEmbed[],
): Promise<ReadonlyMap<string, ByteVector>> {
  const { model } = embedder;
  const hashes = [...new Set(texts.map(({ hash }) => hash))];
  const kept = await store.execute(findVectors, { model, hashes });
  const vectors = new Map(kept.map(({ hash, vector }) => [hash, decodeVector(vector)]));
  const missing = [...new Map(texts.map((text) => [text.hash, text])).values()].filter(
    ({ hash }) => !vectors.has(hash),
  );
  for (let from = 0; from < missing.length; from += BATCH) {
    const batch = missing.slice(from, from + BATCH);
    const made = await inTime(clock, embedder.embed(batch.map(({ text }) => text)));
    if (made.length !== batch.length) throw new Error(`${model} made ${made.length} vectors of ${batch.length} texts`);
    const fresh = batch.map(({ hash }, at) => ({ hash, bytes: toBytes(made[at] ?? new Float32Array()) }));
    await store.execute(storeVectors, {
      model,
      vectors: fresh.map(({ hash, bytes }) => ({ hash, vector: Buffer.from(bytes.buffer).toString("base64") })),
    });
    for (const { hash, bytes } of fresh) vectors.set(hash, bytes);
  }
  return vectors;
}

export function decodeVector(base64: string): ByteVector {
  const bytes = Buffer.from(base64, "base64");
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Each number as its share of the largest, from -127 to 127. */
function toBytes(vector: Float32Array): ByteVector {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  if (!(largest > 0 && Number.isFinite(largest))) throw new Error("A vector is empty, all zero or not finite");
  return Int8Array.from(vector, (value) => Math.round((value / largest) * 127));
}

/** How alike two vectors are: the cosine of the angle between them, -1 to 1. */
export function similarity(a: ByteVector, b: ByteVector): number {
  if (a.length !== b.length) return -1;
  let [dot, aa, bb] = [0, 0, 0];
  for (let at = 0; at < a.length; at += 1) {
    const x = a[at] ?? 0;
    const y = b[at] ?? 0;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

async function inTime<T>(clock: ClockDep["clock"], work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const cancel = clock.setTimer(TIMEOUT_MS, () => late.reject(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    cancel();
  }
}

/** What a caller is told when vectors were not to be had. */
export function withoutVectors(error: unknown): string {
  return `Ranked by words alone: the embedding model failed (${messageOf(error)})`;
}
