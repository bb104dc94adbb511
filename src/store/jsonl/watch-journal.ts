/** Tells when files of the journal may have changed: by the file system where it says so, with a slow poll beneath. */

import type { FSWatcher } from "node:fs";

import { watch } from "../../base/quick-fs.ts";

const POLL_WATCHED_MS = 1_000;
const POLL_UNWATCHED_MS = 50;

/** Calls `look` soon after, coalesced. The returned function stops it. Does not keep the process alive. */
export function watchJournal(directory: string, look: () => void): () => void {
  let watcher: FSWatcher | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  const lookSoon = (): void => {
    if (isLooking) return;
    isLooking = true;
    setImmediate(() => {
      isLooking = false;
      look();
    });
  };
  const poll = (): void => {
    // A journal that is only begun has no directory to watch at first.
    watcher ??= tryWatch(directory, lookSoon);
    lookSoon();
    timer = setTimeout(poll, watcher === null ? POLL_UNWATCHED_MS : POLL_WATCHED_MS);
    timer.unref();
  };
  poll();
  return () => {
    watcher?.close();
    clearTimeout(timer);
  };
}

function tryWatch(directory: string, onEvent: () => void): FSWatcher | null {
  try {
    const watcher = watch(directory, { persistent: false }, onEvent);
    // The poll goes on if the watcher breaks; it is only slower.
    watcher.on("error", () => {});
    return watcher;
  } catch {
    return null;
  }
}
