/** Waiting for a time, and for no longer than that. */

/** Until all have ended, well or not, or so much time has passed. */
export async function endedOrLate(promises: Iterable<Promise<unknown>>, mostMs: number): Promise<void> {
  const { promise: isLate, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, mostMs);
  await Promise.race([Promise.allSettled(promises), isLate]);
  clearTimeout(timer);
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
