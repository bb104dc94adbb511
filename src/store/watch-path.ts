/**
 * Tells when a file or directory may have changed: by the file system, at once, where it says so, with a slow poll beneath
 * that catches what it misses. Costs nothing while nothing happens, and does not keep the process alive.
 */

import type { FSWatcher } from "node:fs";

import { watch } from "../base/quick-fs.ts";

export interface WatchPathOptions {
  readonly path: string;
  /** Where the file system tells nothing, the poll is what wakes us. */
  readonly pollUnwatchedMs: number;
  /** After a notification `look` is called again this long after the call before. */
  readonly lookAgainMs?: readonly number[];
}

/** With notifications the poll is only a safety net. */
const POLL_WATCHED_MS = 1_000;

/** Calls `look` at first and soon after each change, coalesced. The returned function stops it. */
export function watchPath({ path, pollUnwatchedMs, lookAgainMs = [] }: WatchPathOptions, look: () => void): () => void {
  let watcher: FSWatcher | null = null;
  let nextPoll: NodeJS.Timeout | undefined;
  let again: NodeJS.Timeout | undefined;
  let isLooking = false;
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
    const delayMs = lookAgainMs[turn];
    if (delayMs === undefined) return;
    again = setTimeout(() => {
      look();
      lookAgain(turn + 1);
    }, delayMs);
    again.unref();
  };
  const poll = (): void => {
    // What is only begun may not be there to be watched at first.
    watcher ??= tryWatch(path, () => {
      lookSoon();
      lookAgain(0);
    });
    lookSoon();
    nextPoll = setTimeout(poll, watcher === null ? pollUnwatchedMs : POLL_WATCHED_MS);
    nextPoll.unref();
  };
  poll();
  return () => {
    watcher?.close();
    clearTimeout(nextPoll);
    clearTimeout(again);
  };
}

function tryWatch(path: string, onEvent: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, { persistent: false }, onEvent);
    // The poll goes on if the watcher breaks; it is only slower.
    watcher.on("error", () => {});
    return watcher;
  } catch {
    // It is not there yet, or there are no such notifications here (a network file system, a limit on watches).
    return null;
  }
}
