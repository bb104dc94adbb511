/** Working memory in the session's store, logged like all other state. */

import { listMemory, outlineMemory } from "../store/commands/memory-queries.ts";
import { clearMemory, deleteMemory, expireMemory, retrieveMemory, storeMemory } from "../store/commands/memory.ts";
import type { StoreDep } from "../store/port.ts";
import type { MemoryBackend } from "./memory-backend.ts";

export function storeBackend({ store }: StoreDep): MemoryBackend {
  return {
    store: (input) => store.execute(storeMemory, input),
    retrieve: (input) => store.execute(retrieveMemory, input),
    list: (input) => store.execute(listMemory, input),
    delete: (input) => store.execute(deleteMemory, input),
    clear: (input) => store.execute(clearMemory, input),
    outline: (input) => store.execute(outlineMemory, input),
    expire: (input) => store.execute(expireMemory, input),
    // The store is closed by whoever opened it.
    close: () => Promise.resolve(),
  };
}
