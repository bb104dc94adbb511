/** Where working memory is kept: what every backend does alike. The sessions it is asked for exist. */

import type { SessionId } from "../domain/ids.ts";
import type { MemoryEntry, StoredMemory } from "../domain/memory-entry.ts";
import type { ListMemory, MemoryOutline, MemoryPage, OutlineMemory } from "../store/commands/memory-queries.ts";
import type { MemoryKey, StoreMemory } from "../store/commands/memory.ts";

export interface MemoryBackend {
  /**
   * Stores an entry, in place of the one with its key, and makes room for it: what has expired goes first, then the least
   * important, of these the least recently updated, never one more important than the new entry. Atomic.
   *
   * @throws PerdureError `limit-reached` when that does not make enough room; nothing has changed then. `invalid-input`
   */
  store(input: StoreMemory): Promise<StoredMemory>;
  /** `null` where there is none, or it has expired. */
  retrieve(input: MemoryKey): Promise<MemoryEntry | null>;
  /** In the order in which the keys were first stored. */
  list(input: ListMemory): Promise<MemoryPage>;
  /** Whether there was one. */
  delete(input: MemoryKey): Promise<boolean>;
  /** How many there were. */
  clear(input: { readonly sessionId: SessionId }): Promise<number>;
  outline(input: OutlineMemory): Promise<MemoryOutline>;
  /** Removes what has expired, in any session, at most so many. Returns how many it removed. */
  expire(input: { readonly limit: number }): Promise<number>;
  /** Safe to repeat. */
  close(): Promise<void>;
}
