/**
 * The journal as the truth of a store whose database is in memory. Before each group of calls what other processes appended
 * is taken in; before it is committed its changes are appended; the store's lock is held from the one to the other, so all
 * processes see one order. Nobody waits for the lock in the event loop.
 */

import { join } from "node:path";

import { messageOf, PerdureError } from "../../base/errors.ts";
import type { FileLock } from "../../base/file-lock.ts";
import { hasErrorCode } from "../../base/file-errors.ts";
import { mkdirSync, readdirSync, statSync } from "../../base/quick-fs.ts";
import { LIMITS } from "../../domain/limits.ts";
import { compressClosedMonths } from "../../trail/journal-closing.ts";
import { isPlainName, newestName, plainName } from "../../trail/journal-files.ts";
import { placeLines } from "../../trail/journal-placing.ts";
import type { JournalPage } from "../commands/journal-pages.ts";
import { readBlobText, readJournalHeader, readJournalPage } from "../commands/journal-pages.ts";
import { changeToLine, headerToLine } from "../journal-line.ts";
import type { JournalHeader } from "../journal-line.ts";
import { rebuildFromChanges } from "../rebuild.ts";
import type { HookedStore, StoreHooks } from "../sqlite/hooked-store.ts";
import { watchPath } from "../watch-path.ts";
import {
  coordinationText,
  loadCoordination,
  NO_COORDINATION,
  readCoordination,
  writeCoordination,
} from "./coordination.ts";
import { appendPieces, cutFile, takeBackTo } from "./journal-appender.ts";
import type { JournalPosition } from "./journal-loader.ts";
import { JOURNAL_START, loadJournal } from "./journal-loader.ts";
import type { JsonlPlace } from "./jsonl-place.ts";
import type { ValueFiles } from "./value-files.ts";

export interface JsonlJournalOptions {
  readonly place: JsonlPlace;
  readonly lock: FileLock;
  readonly values: ValueFiles;
  /** Whether what is appended survives power loss. */
  readonly isDurable: boolean;
  /** How long a call waits for other processes. */
  readonly busyTimeoutMs: number;
}

const PAGE = { limit: 1_000, maxBytes: 16 << 20, inlineBytes: LIMITS.inlineBytes };

export class JsonlJournal implements StoreHooks {
  readonly #options: JsonlJournalOptions;
  #store: HookedStore | null = null;
  #position: JournalPosition = JOURNAL_START;
  #lastSeq = 0;
  #header: JournalHeader | null = null;
  #coordination = NO_COORDINATION;
  /** Taken in a moment ago, so that a reader gets on even while others write all the time. */
  #isFresh = false;
  #isHeld = false;
  #hasAppended = false;
  /** Why this store cannot go on. */
  #broken: unknown = null;

  constructor(options: JsonlJournalOptions) {
    this.#options = options;
  }

  /** The store whose hooks these are, and all that the journal holds into it. */
  async open(store: HookedStore): Promise<void> {
    this.#store = store;
    try {
      if (this.#hasChanged()) await this.#takeInUnderLock({ keepsLock: false });
    } catch (error) {
      throw this.#refusal(error);
    }
    this.#isFresh = false;
  }

  beforeGroup(writes: boolean): Promise<void> | null {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    try {
      if (!writes)
        return this.#isFresh || !this.#hasChanged() ? this.#begin() : this.#takeInUnderLock({ keepsLock: false });
      if (this.#isHeld) return this.#begin();
      this.#makeDirectory();
      if (!this.#options.lock.tryAcquire()) return this.#takeInUnderLock({ keepsLock: true });
      this.#isHeld = true;
      return this.#hasChanged() ? this.#takeInUnderLock({ keepsLock: true }) : this.#begin();
    } catch (error) {
      this.#release();
      return Promise.reject(this.#refusal(error));
    }
  }

  #begin(): null {
    this.#isFresh = false;
    return null;
  }

  beforeCommit(): void {
    const [position, lastSeq] = [this.#position, this.#lastSeq];
    try {
      this.#saveCoordination();
      this.#append();
    } catch (error) {
      const { place } = this.#options;
      if (!takeBackTo(place.journal, position)) {
        this.#broken = unreachable(place.directory, "a write failed and could not be undone", "Open it again.", error);
      }
      this.#position = position;
      this.#lastSeq = lastSeq;
      throw this.#refusal(error);
    }
  }

  afterGroup(): void {
    this.#release();
  }

  watch(look: () => void): () => void {
    return watchPath({ path: this.#options.place.journal, pollUnwatchedMs: 50 }, () => {
      try {
        if (this.#hasChanged()) look();
      } catch {
        // The next call tells what is wrong.
      }
    });
  }

  /** Compresses the months that are over, if this process wrote, and lets go of the lock. */
  async close(): Promise<void> {
    const { lock, place } = this.#options;
    try {
      if (this.#hasAppended && lock.tryAcquire()) await compressClosedMonths(place.journal);
    } finally {
      lock.close();
    }
  }

  #release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#options.lock.release();
  }

  /** Whether what is on disk is not what is in memory. */
  #hasChanged(): boolean {
    const { journal, coordination } = this.#options.place;
    const newest = newestFileIn(journal);
    const { month, bytes } = this.#position;
    if ((newest?.replace(/\.jsonl(\.gz)?$/, "") ?? null) !== month) return true;
    if (newest !== null && isPlainName(newest) && statSync(join(journal, newest)).size !== bytes) return true;
    return readCoordination(coordination) !== this.#coordination;
  }

  async #takeInUnderLock({ keepsLock }: { readonly keepsLock: boolean }): Promise<void> {
    await this.#acquire();
    let isDone = false;
    try {
      await this.#takeIn();
      this.#isFresh = true;
      isDone = true;
    } catch (error) {
      // Some of it may have been taken in: what is in memory is neither the old nor the new.
      this.#broken = this.#refusal(error);
      throw this.#broken;
    } finally {
      if (!isDone || !keepsLock) this.#release();
    }
  }

  async #acquire(): Promise<void> {
    if (this.#isHeld) return;
    const { lock, busyTimeoutMs, place } = this.#options;
    try {
      this.#makeDirectory();
      this.#isHeld = await lock.acquire({ waitMs: busyTimeoutMs });
    } catch (error) {
      throw this.#refusal(error);
    }
    if (this.#isHeld) return;
    throw unreachable(place.directory, "another process keeps it locked", "Wait, or end the process that holds it.");
  }

  async #takeIn(): Promise<void> {
    const { place, values } = this.#options;
    const store = this.#attached();
    const before = this.#position;
    this.#position = await loadJournal(place.journal, before, {
      header: (header) => this.#takeHeader(header),
      findFile: (hash) => values.find(hash),
      apply: (changes, blobs) => {
        store.runNow(rebuildFromChanges, { changes, blobs });
        this.#lastSeq = changes.at(-1)?.seq ?? this.#lastSeq;
      },
    });
    this.#cutTornEnd();
    const text = readCoordination(place.coordination);
    if (text !== this.#coordination) store.runNow(loadCoordination, { text });
    this.#coordination = text;
    if (before !== JOURNAL_START) store.noticeOthers();
  }

  #takeHeader(header: JournalHeader): void {
    if (this.#header === null) this.#attached().adoptProject(header);
    else if (this.#header.projectId !== header.projectId) {
      throw new PerdureError("store-damaged", {
        message: `${this.#options.place.journal} holds the journals of two projects, ${this.#header.projectId} and ${header.projectId}`,
        hint: "Move the files of one of them elsewhere.",
      });
    }
    this.#header = header;
  }

  /** What a process that was killed left unfinished: nobody was told that it happened. */
  #cutTornEnd(): void {
    const { month, bytes } = this.#position;
    if (month === null || newestFileIn(this.#options.place.journal) !== plainName(month)) return;
    cutFile(join(this.#options.place.journal, plainName(month)), bytes);
  }

  #append(): void {
    const { place, isDurable, values } = this.#options;
    const store = this.#attached();
    for (;;) {
      const page = store.runNow(readJournalPage, { after: this.#lastSeq, ...PAGE });
      const last = page.changes.at(-1);
      if (last === undefined) return;
      for (const hash of page.largeBlobs) values.put(hash, store.runNow(readBlobText, { hash }) ?? "");
      const header = this.#header ?? store.runNow(readJournalHeader, null);
      const { month: newest, bytes } = this.#position;
      const pieces = placeLines(linesOf(page), {
        newest:
          newest === null ? null : { month: newest, isCompressed: this.#isCompressed(newest), isEmpty: bytes === 0 },
        headerLine: headerToLine(header),
      });
      const sizeBytes = appendPieces({ directory: place.journal, pieces, newest, isDurable });
      this.#header = header;
      this.#position = { month: pieces.at(-1)?.month ?? newest, bytes: sizeBytes };
      this.#lastSeq = last.seq;
      this.#hasAppended = true;
      if (!page.hasMore) return;
    }
  }

  #isCompressed(month: string): boolean {
    return newestFileIn(this.#options.place.journal) === `${plainName(month)}.gz`;
  }

  /** Before the changes: what a change says of a worker must not be read before the worker is known. */
  #saveCoordination(): void {
    const text = this.#attached().runNow(coordinationText, null);
    if (text === this.#coordination) return;
    writeCoordination(this.#options.place.coordination, text);
    this.#coordination = text;
  }

  #makeDirectory(): void {
    mkdirSync(this.#options.place.directory, { recursive: true });
  }

  #attached(): HookedStore {
    if (this.#store === null) throw new Error("the journal is opened before it is used");
    return this.#store;
  }

  #refusal(error: unknown): unknown {
    // What the operating system or the lock refuses; anything else is a bug and stays as it is.
    if (!(error instanceof Error) || !("code" in error) || !("syscall" in error || "errcode" in error)) return error;
    const isFull = error.code === "ENOSPC" || error.code === "EDQUOT";
    return unreachable(
      this.#options.place.directory,
      isFull ? `the disk is full (${messageOf(error)})` : messageOf(error),
      isFull
        ? "Free some space and run the command again; nothing was lost."
        : "Check that the directory exists and may be written to.",
      error,
    );
  }
}

function linesOf({
  changes,
  blobs,
  endsCommand,
}: JournalPage): readonly { readonly at: number; readonly text: string }[] {
  const findBlob = (hash: string): string | null => blobs.get(hash) ?? null;
  return changes.map((change, index) => {
    const next = changes[index + 1];
    const isEnd = next === undefined ? endsCommand : next.part === 0;
    return { at: change.at, text: changeToLine(change, { isEnd, findBlob }) };
  });
}

function newestFileIn(directory: string): string | null {
  try {
    return newestName(readdirSync(directory));
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return null;
    throw error;
  }
}

function unreachable(directory: string, why: string, hint: string, cause?: unknown): PerdureError {
  return new PerdureError("store-unreachable", {
    message: `The store in ${directory} cannot be used: ${why}`,
    hint,
    details: { path: directory },
    cause,
  });
}
