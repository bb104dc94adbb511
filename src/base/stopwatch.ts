/** Measuring how long something takes, whatever happens to the clock on the wall. */

/**
 * Milliseconds that only ever grow. As `performance.now`, without loading its module: this is called at start-up.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
