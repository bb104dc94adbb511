/**
 * Tells when the database file may have changed. The file system says so at once where it can (the write-ahead log is
 * appended to at every commit); a slow poll beneath catches what it misses. Costs nothing while nothing happens.
 */

import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";

/** With notifications the poll is only a safety net; without them it is what wakes us. */
const POLL_WATCHED_MS = 1_000;
const POLL_UNWATCHED_MS = 25;

/** Calls `look` when a commit may have happened, coalesced. The returned function stops it. */
export function watchCommits(database: { readonly path: string }, look: () => void): () => void {
  if (database.path === ":memory:") return () => {};
  let isLooking = false;
  const lookSoon = (): void => {
    if (isLooking) return;
    isLooking = true;
    setImmediate(() => {
      isLooking = false;
      look();
    });
  };
  const watcher = tryWatch(`${database.path}-wal`, lookSoon);
  const timer = setInterval(lookSoon, watcher === null ? POLL_UNWATCHED_MS : POLL_WATCHED_MS);
  timer.unref();
  return () => {
    watcher?.close();
    clearInterval(timer);
  };
}

function tryWatch(file: string, onEvent: () => void): FSWatcher | null {
  try {
    const watcher = watch(file, { persistent: false }, onEvent);
    // The poll goes on if the watcher breaks; it is only slower.
    watcher.on("error", () => {});
    return watcher;
  } catch {
    // No such notifications here (a network file system, a limit on watches): the faster poll takes over.
    return null;
  }
}
