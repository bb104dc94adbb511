/** `memory.json`: the facts in force and the working memory of unfinished sessions, to be read. The same state gives the same file. */

import type { JsonObject } from "../base/json.ts";
import type { Knowledge, KnownEntry } from "../store/commands/trail-reads.ts";
import { instant } from "./current-file.ts";

/** The newest facts and most important entries; larger values are left to the store. */
export const MEMORY_FILE_LIMITS = { facts: 1_000, entries: 1_000, valueBytes: 4 << 10 } as const;

export function memoryFile({ facts, factCount, entries }: Knowledge): string {
  const sessions = new Map<string, KnownEntry[]>();
  for (const entry of entries) {
    const ofSession = sessions.get(entry.sessionId);
    if (ofSession === undefined) sessions.set(entry.sessionId, [entry]);
    else ofSession.push(entry);
  }
  const content: JsonObject = {
    facts: facts.map(({ createdAt, ...fact }) => ({ ...fact, created_at: instant(createdAt) })),
    facts_count: factCount,
    working_memory: [...sessions].map(([sessionId, ofSession]) => ({
      session_id: sessionId,
      entries: ofSession.map(entryJson),
    })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function entryJson({ key, value, importance, sizeBytes, expiresAt, updatedAt }: KnownEntry): JsonObject {
  return {
    key,
    ...(value === null ? { omitted_bytes: sizeBytes } : { value: value.json }),
    importance,
    expires_at: instant(expiresAt),
    updated_at: instant(updatedAt),
  };
}
