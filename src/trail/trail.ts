/**
 * Keeps the files beside the store up to date while work goes on: the journal and the state files. One process at a time
 * does it, for what all of them committed. Nothing here fails the work: what cannot be written is a warning, and is written
 * by whoever comes next.
 *
 * It stays out of the way: after each batch it waits nine times as long as the batch took, and ends what is left when the
 * project is closed.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { ClockDep } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { FileLock } from "../base/file-lock.ts";
import { fileLock } from "../base/file-lock.ts";
import { monotonicMs } from "../base/stopwatch.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Store } from "../store/port.ts";
import { compressClosedMonths } from "./journal-closing.ts";
import { JOURNAL_DIRECTORY } from "./journal-files.ts";
import type { JournalMirror } from "./journal-mirror.ts";
import { journalMirror } from "./journal-mirror.ts";
import { stateFiles } from "./state-files.ts";

export interface TrailOptions extends ClockDep {
  readonly store: Store;
  /** `.perdure` of the project. */
  readonly directory: string;
  readonly artifactFiles: ArtifactFiles;
  /** Whether the journal is a mirror to be kept; otherwise only the state files are. */
  readonly keepsJournal: boolean;
}

export interface Trail {
  /**
   * Writes what is left and stops, for at most `maxMs`. Returns what could not be written and why, in words; `null` when
   * everything was.
   */
  finish(maxMs: number): Promise<string | null>;
}

/** The lock, in `.perdure`, of whoever writes the journal and the files beside it. */
export const TRAIL_LOCK = "trail.lock";

/** From a commit until it is looked at. */
const DEBOUNCE_MS = 200;
/** How many times as long as a batch took the next one waits: it may take a tenth of the time. */
const REST = 9;
const BATCH_CHANGES = 200;
const LAST_BATCHES_CHANGES = 2_000;
/** The state files are rewritten whole, so they rest longer. */
const STATE_DEBOUNCE_MS = 1_000;
const STATE_REST = 50;
const HISTORIES_PER_TURN = 5;
/** Another process is at it, or the disk refuses. */
const BUSY_MS = 250;
const FAILED_MS = 5_000;

export function startTrail(options: TrailOptions): Trail {
  return new StartedTrail(options);
}

class StartedTrail implements Trail {
  readonly #options: TrailOptions;
  readonly #journalDirectory: string;
  readonly #mirror: JournalMirror;
  readonly #states: ReturnType<typeof stateFiles>;
  readonly #unsubscribe: () => void;
  #lock: FileLock | null = null;
  #cancelTimer: (() => void) | null = null;
  #turn: Promise<void> | null = null;
  #isFinishing = false;
  #journalIsDue = true;
  #statesAreDue = true;
  /** Also at first: whoever began a month may have been killed before it compressed the one before. */
  #closingIsDue = true;
  #statesNotBefore = monotonicMs() + STATE_DEBOUNCE_MS;
  #problem: string | null = null;

  constructor(options: TrailOptions) {
    this.#options = options;
    const { store, directory, artifactFiles } = options;
    this.#journalDirectory = join(directory, JOURNAL_DIRECTORY);
    this.#mirror = journalMirror({ store, directory: this.#journalDirectory, artifactFiles });
    this.#states = stateFiles({ store, directory });
    this.#unsubscribe = store.onCommit(() => {
      this.#journalIsDue = this.#options.keepsJournal;
      this.#statesAreDue = true;
      this.#schedule(DEBOUNCE_MS);
    });
    this.#journalIsDue = options.keepsJournal;
    this.#schedule(DEBOUNCE_MS);
  }

  async finish(maxMs: number): Promise<string | null> {
    this.#isFinishing = true;
    this.#unsubscribe();
    this.#cancelTimer?.();
    await this.#turn;
    // The last commits may not have been told yet.
    this.#journalIsDue = this.#options.keepsJournal;
    this.#statesAreDue = true;
    const until = monotonicMs() + maxMs;
    try {
      await this.#finishUntil(until);
    } catch (error) {
      this.#problem = messageOf(error);
    } finally {
      this.#lock?.close();
    }
    return this.#problem;
  }

  async #finishUntil(until: number): Promise<void> {
    const lock = await this.#openLock();
    if (!(await lock.acquire({ waitMs: until - monotonicMs() }))) {
      this.#problem = "another process is writing the journal and the files beside it; it goes on with them";
      return;
    }
    let isDone = false;
    while (!isDone && monotonicMs() < until) isDone = await this.#write(LAST_BATCHES_CHANGES, true);
    this.#problem = isDone
      ? null
      : "there was more to write to the journal than there was time; the next command goes on";
  }

  #schedule(delayMs: number): void {
    if (this.#isFinishing || this.#cancelTimer !== null || this.#turn !== null) return;
    this.#cancelTimer = this.#options.clock.setTimer(delayMs, () => {
      this.#cancelTimer = null;
      this.#turn = this.#takeTurn().then((restMs) => {
        this.#turn = null;
        if (restMs !== null) this.#schedule(restMs);
      });
    });
  }

  /** How long to rest until there is more to do; `null` when nothing is left. */
  async #takeTurn(): Promise<number | null> {
    try {
      const lock = await this.#openLock();
      if (!lock.tryAcquire()) return BUSY_MS;
      const startedAt = monotonicMs();
      const isDone = await this.#write(BATCH_CHANGES, false).finally(() => lock.release());
      this.#problem = null;
      const restMs = REST * (monotonicMs() - startedAt);
      if (!isDone) return restMs;
      return this.#statesAreDue ? Math.max(restMs, this.#statesNotBefore - monotonicMs()) : null;
    } catch (error) {
      this.#problem = messageOf(error);
      return FAILED_MS;
    }
  }

  /** A batch of the journal, and the state files if they are due. Whether the journal is complete. */
  async #write(limit: number, isFinishing: boolean): Promise<boolean> {
    const isComplete = !this.#journalIsDue || (await this.#writeJournal(limit));
    // While work goes on they do not wait for a journal that has much to catch up on.
    const mayWriteStates = isFinishing ? isComplete : monotonicMs() >= this.#statesNotBefore;
    if (this.#statesAreDue && mayWriteStates) {
      await this.#writeStates(isFinishing ? Number.POSITIVE_INFINITY : HISTORIES_PER_TURN);
    }
    return isComplete;
  }

  async #writeJournal(limit: number): Promise<boolean> {
    // What is committed from here on is told anew.
    this.#journalIsDue = false;
    let isComplete = false;
    try {
      const { isCaughtUp, beganMonth } = await this.#mirror.append(limit);
      isComplete = isCaughtUp;
      this.#closingIsDue ||= beganMonth;
    } finally {
      this.#journalIsDue ||= !isComplete;
    }
    if (isComplete && this.#closingIsDue) {
      await compressClosedMonths(this.#journalDirectory);
      this.#closingIsDue = false;
    }
    return isComplete;
  }

  async #writeStates(histories: number): Promise<void> {
    const startedAt = monotonicMs();
    this.#statesAreDue = false;
    let isComplete = false;
    try {
      isComplete = await this.#states.update(histories);
    } finally {
      this.#statesAreDue ||= !isComplete;
      const tookMs = monotonicMs() - startedAt;
      this.#statesNotBefore = startedAt + Math.max(STATE_DEBOUNCE_MS, STATE_REST * tookMs);
    }
  }

  async #openLock(): Promise<FileLock> {
    if (this.#lock === null) {
      await mkdir(this.#options.directory, { recursive: true });
      this.#lock = fileLock(join(this.#options.directory, TRAIL_LOCK));
    }
    return this.#lock;
  }
}
