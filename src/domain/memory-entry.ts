/** An entry of a session's working memory: what it is, and what it may be. */

import type { Millis } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { toJsonText } from "../base/json.ts";
import type { SessionId } from "./ids.ts";
import { LIMITS } from "./limits.ts";

export interface MemoryEntry {
  readonly sessionId: SessionId;
  readonly key: string;
  readonly value: Json;
  /** 0–1; less important entries are evicted first. */
  readonly importance: number;
  readonly sizeBytes: number;
  /** `null` never expires. */
  readonly expiresAt: Millis | null;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

/** Per session. */
export interface MemoryLimits {
  readonly maxEntries: number;
  /** Of the values as JSON. */
  readonly maxSizeBytes: number;
}

export const DEFAULT_IMPORTANCE = 0.5;

/** An entry that had to go: it expired, or made room for a new one. */
export type GoneEntry = Pick<MemoryEntry, "key" | "importance" | "sizeBytes">;

export interface StoredMemory {
  readonly entry: MemoryEntry;
  /** What made room for it: the least important first, of these the least recently updated. Never a more important one. */
  readonly evicted: readonly GoneEntry[];
  /** What had expired and was removed on this occasion. */
  readonly expired: readonly GoneEntry[];
}

/** The last instant a date can be. */
const LAST_INSTANT: Millis = 8_640_000_000_000_000;

export interface NewMemory {
  readonly key: string;
  readonly value: unknown;
  readonly importance: number;
  /** From now; `null` never expires. */
  readonly ttlMs: number | null;
  readonly limits: MemoryLimits;
}

/** An entry as every backend keeps it. @throws PerdureError `invalid-input`, `limit-reached` when it can never fit */
export function checkedEntry(
  input: NewMemory,
  now: Millis,
): { text: string; sizeBytes: number; expiresAt: Millis | null } {
  const { key, importance, ttlMs, limits } = input;
  checkMemoryKey(key);
  if (!(importance >= 0 && importance <= 1))
    throw invalid(`The importance of ${named(key)} is ${importance}`, "It is a number from 0 to 1.");
  if (ttlMs !== null && !(Number.isSafeInteger(ttlMs) && ttlMs > 0 && now + ttlMs <= LAST_INSTANT))
    throw invalid(
      `The time to live of ${named(key)} is ${ttlMs} ms`,
      "It is a whole number of milliseconds above 0, or null for never.",
    );
  const text = toJsonText(input.value, `The value of ${named(key)}`);
  const sizeBytes = Buffer.byteLength(text);
  const limitBytes = Math.min(LIMITS.valueBytes, limits.maxSizeBytes);
  if (sizeBytes > limitBytes) {
    throw new PerdureError("limit-reached", {
      message: `The value of ${named(key)} takes ${sizeBytes} bytes as JSON; at most ${limitBytes} are kept`,
      hint: "Keep large data in a file or as an artifact, and remember where it is.",
      details: { key, sizeBytes, limitBytes },
    });
  }
  return { text, sizeBytes, expiresAt: ttlMs === null ? null : now + ttlMs };
}

/** @throws PerdureError `invalid-input` for a key that no entry can have */
export function checkMemoryKey(key: string): void {
  if (key === "") throw invalid("The key of a memory entry is empty", "Name the entry.");
  if (key.length > LIMITS.memoryKeyChars)
    throw invalid(`The key ${named(key)} has ${key.length} characters`, `A key has at most ${LIMITS.memoryKeyChars}.`);
  if (!key.isWellFormed() || /\p{Cc}/u.test(key))
    throw invalid(
      `The key ${named(key)} holds what is no character`,
      "A key is one line of text without control characters.",
    );
}

/** Nothing was evicted: what is there is more important than the new entry. */
export function noRoom({
  key,
  sizeBytes,
  importance,
  limits,
}: {
  readonly key: string;
  readonly sizeBytes: number;
  readonly importance: number;
  readonly limits: MemoryLimits;
}): PerdureError {
  return new PerdureError("limit-reached", {
    message: `Working memory has no room for ${named(key)} (${sizeBytes} bytes, importance ${importance}): all else that fills its ${limits.maxEntries} entries and ${limits.maxSizeBytes} bytes is more important`,
    hint: "Store it with more importance, or delete what is no longer needed: `perdure memory list`, `perdure memory delete KEY`.",
    details: { key, sizeBytes, importance, maxEntries: limits.maxEntries, maxSizeBytes: limits.maxSizeBytes },
  });
}

function named(key: string): string {
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);
}

function invalid(message: string, hint: string): PerdureError {
  return new PerdureError("invalid-input", { message, hint });
}
