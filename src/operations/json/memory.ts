/** An entry of working memory as JSON. */

import * as v from "valibot";

import type { MemoryEntry } from "../../domain/memory-entry.ts";
import { toIso, toIsoOrNull } from "./times.ts";

export const memoryEntrySchema = v.object({
  sessionId: v.string(),
  key: v.string(),
  value: v.unknown(),
  /** 0–1. */
  importance: v.number(),
  sizeBytes: v.number(),
  /** `null` never expires. */
  expiresAt: v.nullable(v.string()),
  createdAt: v.string(),
  updatedAt: v.string(),
});

export type MemoryEntryJson = v.InferInput<typeof memoryEntrySchema>;

export function memoryEntryToJson(entry: MemoryEntry): MemoryEntryJson {
  return {
    sessionId: entry.sessionId,
    key: entry.key,
    value: entry.value,
    importance: entry.importance,
    sizeBytes: entry.sizeBytes,
    expiresAt: toIsoOrNull(entry.expiresAt),
    createdAt: toIso(entry.createdAt),
    updatedAt: toIso(entry.updatedAt),
  };
}

/** An entry that had to go. */
export const goneEntrySchema = v.object({ key: v.string(), importance: v.number(), sizeBytes: v.number() });

/** Checked by the memory itself, which names what is wrong with it. */
export const memoryKey = v.string();
