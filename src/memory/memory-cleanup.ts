/** Removing expired entries from time to time, in processes that live long. Others do a little with every write. */

import type { ClockDep } from "../base/clock.ts";
import type { MemoryBackend } from "./memory-backend.ts";

const BATCH = 500;

/** Cleans up now and every `intervalMs`; the returned function stops that. */
export function startMemoryCleanup(
  { clock, loadMemory }: ClockDep & { loadMemory(): Promise<MemoryBackend> },
  intervalMs: number,
): () => void {
  const stopped = new AbortController();
  let cancel = (): void => {};
  const clean = async (): Promise<void> => {
    try {
      const memory = await loadMemory();
      let removed = BATCH;
      while (removed === BATCH && !stopped.signal.aborted) removed = await memory.expire({ limit: BATCH });
    } catch {
      // Expired entries are never read; the next round tries again, and whoever stores is told what is wrong.
    }
    if (!stopped.signal.aborted) cancel = clock.setTimer(intervalMs, () => void clean());
  };
  void clean();
  return () => {
    stopped.abort();
    cancel();
  };
}
