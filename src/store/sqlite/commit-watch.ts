/**
 * Tells when the database file may have changed. The file system says so at once where it can (the write-ahead log is
 * appended to at every commit); a slow poll beneath catches what it misses. Costs nothing while nothing happens.
 */

import type { FSWatcher } from "node:fs";
import { watch } from "../../base/quick-fs.ts";

/** With notifications the poll is only a safety net; without them it is what wakes us. */
const POLL_WATCHED_MS = 1_000;
const POLL_UNWATCHED_MS = 25;

/**
 * After a notification, how long until the next looks. The log is written first, then flushed to the disk, and only then
 * can others see the commit: the notification comes one flush too early, and none comes when it is time.
 */
const LOOK_AGAIN_MS = [1, 2, 4, 8, 16, 32, 64];

/** Calls `look` when a commit may have happened, coalesced. The returned function stops it. */
export function watchCommits(database: { readonly path: string }, look: () => void): () => void {
  if (database.path === ":memory:") return () => {};
  let isLooking = false;
  let again: NodeJS.Timeout | undefined;
  const lookSoon = (): void => {
    if (isLooking) return;
    isLooking = true;
    setImmediate(() => {
      isLooking = false;
      look();
    });
  };
  const lookAgain = (turn: number): void => {
    clearTimeout(again);
    const delayMs = LOOK_AGAIN_MS[turn];
    if (delayMs === undefined) return;
    again = setTimeout(() => {
      look();
      lookAgain(turn + 1);
    }, delayMs);
    again.unref();
  };
  const watcher = tryWatch(`${database.path}-wal`, () => {
    lookSoon();
    lookAgain(0);
  });
  const timer = setInterval(lookSoon, watcher === null ? POLL_UNWATCHED_MS : POLL_WATCHED_MS);
  timer.unref();
  return () => {
    watcher?.close();
    clearInterval(timer);
    clearTimeout(again);
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
