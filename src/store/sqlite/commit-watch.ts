/** Tells when the database file may have changed: its write-ahead log is appended to at every commit. */

import { watchPath } from "../watch-path.ts";

const POLL_UNWATCHED_MS = 25;

/**
 * The log is written first, then flushed to the disk, and only then can others see the commit: the notification comes one
 * flush too early, and none comes when it is time.
 */
const LOOK_AGAIN_MS = [1, 2, 4, 8, 16, 32, 64];

/** Calls `look` when a commit may have happened, coalesced. The returned function stops it. */
export function watchCommits(database: { readonly path: string }, look: () => void): () => void {
  if (database.path === ":memory:") return () => {};
  const log = { path: `${database.path}-wal`, pollUnwatchedMs: POLL_UNWATCHED_MS, lookAgainMs: LOOK_AGAIN_MS };
  return watchPath(log, look);
}
