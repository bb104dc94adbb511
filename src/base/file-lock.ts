/**
 * A lock between processes, by name of a file. The operating system holds it for the process: one that is killed lets go of
 * it at that moment, one that is merely stopped keeps it, and there is nothing stale to clear away. Node has no such locks
 * of its own; SQLite's are used, on an empty file that stays empty and must never be deleted.
 */

import type { StatementSync } from "node:sqlite";

import { monotonicMs } from "./stopwatch.ts";

export interface FileLock {
  /** Whether it is held now. Not reentrant. */
  tryAcquire(): boolean;
  /** Tries until it is held, the time is up or `signal` aborts; whether it is held. */
  acquire(options: { readonly waitMs: number; readonly signal?: AbortSignal }): Promise<boolean>;
  /** Safe to repeat. */
  release(): void;
  /** Releases it, and the file. */
  close(): void;
}

const BUSY = 5;
const RETRY_MS = 4;

/** The file is made when the lock is first acquired; its directory must exist by then. */
export function fileLock(path: string): FileLock {
  let statements: { readonly begin: StatementSync; readonly end: StatementSync; readonly close: () => void } | null =
    null;
  let isHeld = false;
  const open = (): NonNullable<typeof statements> => {
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    const database = new DatabaseSync(path, { timeout: 0 });
    return {
      begin: database.prepare("begin exclusive"),
      end: database.prepare("rollback"),
      close: () => database.close(),
    };
  };
  const lock: FileLock = {
    tryAcquire() {
      if (isHeld) return false;
      try {
        statements ??= open();
        statements.begin.run();
        isHeld = true;
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
      return isHeld;
    },
    async acquire({ waitMs, signal }) {
      const until = monotonicMs() + waitMs;
      while (!lock.tryAcquire()) {
        if (signal?.aborted === true || monotonicMs() >= until) return false;
        // Not all at the same moment: those who try at once may all find it busy.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS + (monotonicMs() % RETRY_MS)));
      }
      return true;
    },
    release() {
      if (!isHeld) return;
      isHeld = false;
      statements?.end.run();
    },
    close() {
      lock.release();
      statements?.close();
      statements = null;
    },
  };
  return lock;
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === BUSY
  );
}
