/**
 * Keeps the sinks of a project up to date while work goes on, each by itself: one that is slow or down holds up neither the
 * work nor the others. Nothing here fails the work. What could not be copied is copied by whoever comes next; a sink that
 * fails is left alone for a while, ever longer up to a minute.
 *
 * On each machine one process at a time copies into a sink. Between machines the sink itself decides.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { ClockDep } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import { messageOf, PerdureError } from "../base/errors.ts";
import type { FileLock } from "../base/file-lock.ts";
import { fileLock } from "../base/file-lock.ts";
import type { RandomDep } from "../base/random.ts";
import type { SinkConfig } from "../config/config.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Copied, LogCopier } from "./log-copier.ts";
import { logCopier } from "./log-copier.ts";
import type { LogReaderDeps } from "./log-reader.ts";
import { openSink, sinkKey, sinkName } from "./open-sink.ts";
import type { Sink } from "./sink.ts";
import type { SinkState } from "./sink-state.ts";
import { nextFailure, REPLICATION_DIRECTORY, sinkState } from "./sink-state.ts";

export interface ReplicatorOptions extends LogReaderDeps, ClockDep, RandomDep {
  readonly sinks: readonly SinkConfig[];
  readonly artifactFiles: ArtifactFiles;
  /** Paths are relative to it, and `.perdure` is in it. */
  readonly projectDir: string;
}

export interface Replicator {
  /**
   * Copies what is left and stops, for at most `maxMs`. Returns what could not be copied and why, in words; `null` when
   * everything was, or when it was not tried because a sink failed a moment ago.
   */
  finish(maxMs: number): Promise<string | null>;
}

const DEBOUNCE_MS = 200;
/** How many times as long as reading took the next batch waits. */
const REST = 4;
const BUSY_MS = 1_000;
/** For one batch with all that goes with it. */
const BATCH_MS = 60_000;

export function startReplicator(options: ReplicatorOptions): Replicator {
  const following = options.sinks.map((config) => new SinkFollower(options, config));
  return {
    async finish(maxMs) {
      const problems = await Promise.all(following.map((follower) => follower.finish(maxMs)));
      const told = problems.filter((problem) => problem !== null);
      return told.length === 0 ? null : told.join("; ");
    },
  };
}

class SinkFollower {
  readonly #options: ReplicatorOptions;
  readonly #config: SinkConfig;
  readonly #directory: string;
  readonly #state: SinkState;
  readonly #unsubscribe: () => void;
  #lock: FileLock | null = null;
  readonly #name: string;
  #open: OpenSink | null = null;
  #cancelTimer: (() => void) | null = null;
  #turn: Promise<void> | null = null;
  #isFinishing = false;
  #isOver = false;
  #isDue = true;
  #hasFailed = false;
  /** Batches. */
  #copied = 0;
  #problem: string | null = null;

  constructor(options: ReplicatorOptions, config: SinkConfig) {
    this.#options = options;
    this.#config = config;
    this.#name = sinkName(config);
    this.#directory = join(options.projectDir, ".perdure", REPLICATION_DIRECTORY);
    this.#state = sinkState(this.#directory, sinkKey(config));
    this.#unsubscribe = options.store.onCommit(() => {
      this.#isDue = true;
      this.#schedule(DEBOUNCE_MS);
    });
    this.#schedule(DEBOUNCE_MS);
  }

  async finish(maxMs: number): Promise<string | null> {
    this.#isFinishing = true;
    this.#unsubscribe();
    this.#cancelTimer?.();
    const late = (): PerdureError => unanswered(this.#name, maxMs);
    try {
      const copying = this.#copyRest().then(() => this.#open?.sink.close());
      await withDeadline(copying, { ms: maxMs, late });
    } catch (error) {
      if (this.#copied > 0) this.#problem = `${this.#name}: there was more to copy than there was time`;
      else await this.#fail(error);
    } finally {
      this.#isOver = true;
      this.#open?.sink.abandon();
      this.#lock?.close();
    }
    return this.#problem;
  }

  async #copyRest(): Promise<void> {
    await this.#turn;
    // Nothing waits for a sink that failed a moment ago.
    if ((await this.#restMs()) > 0) return;
    const lock = await this.#openLock();
    // Another process is at it: it goes on, or the next one does.
    if (!(await lock.acquire({ waitMs: BUSY_MS }))) return;
    this.#copied = 0;
    while (!this.#isOver) if ((await this.#copy()).isCaughtUp) return;
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
    const restMs = await this.#restMs();
    if (restMs > 0) return restMs;
    try {
      const lock = await this.#openLock();
      if (!lock.tryAcquire()) return BUSY_MS;
      // What is committed from here on is told anew.
      this.#isDue = false;
      const copied = await this.#copy().finally(() => lock.release());
      this.#isDue ||= !copied.isCaughtUp;
      return this.#isDue ? Math.max(1, REST * copied.readingMs) : null;
    } catch (error) {
      this.#isDue = true;
      await this.#fail(error);
      return BUSY_MS;
    }
  }

  async #copy(): Promise<Copied> {
    const late = (): PerdureError => unanswered(this.#name, BATCH_MS);
    const copied = await withDeadline(
      this.#opened().then(({ copier }) => copier.copy()),
      { ms: BATCH_MS, late },
    );
    this.#copied += 1;
    this.#problem = null;
    if (this.#hasFailed) await this.#state.clear();
    this.#hasFailed = false;
    return copied;
  }

  /** Until a sink that failed is tried again, by whichever process. */
  async #restMs(): Promise<number> {
    const failure = await this.#state.find();
    this.#hasFailed = failure !== null;
    return failure === null ? 0 : failure.retryAt - this.#options.clock.now();
  }

  /** Kept in mind for this process and others. The sink is opened anew the next time. */
  async #fail(error: unknown): Promise<void> {
    if (this.#isOver) return;
    this.#problem = `${this.#name}: ${messageOf(error)}`;
    this.#open?.sink.abandon();
    this.#open = null;
    const failure = nextFailure(await this.#state.find(), messageOf(error), this.#options.clock.now());
    try {
      await this.#state.set(failure);
    } catch {
      // Where not even that can be written, the next process finds out for itself.
    }
  }

  async #opened(): Promise<OpenSink> {
    if (this.#open !== null) return this.#open;
    const { projectDir, random, store, journalDirectory, artifactFiles } = this.#options;
    const sink = await openSink(this.#config, { directory: projectDir, random });
    const { maxArtifactBytes } = this.#config;
    this.#open = { sink, copier: logCopier({ store, journalDirectory, artifactFiles, sink, maxArtifactBytes }) };
    return this.#open;
  }

  async #openLock(): Promise<FileLock> {
    if (this.#lock === null) {
      await mkdir(this.#directory, { recursive: true });
      this.#lock = fileLock(join(this.#directory, `${sinkKey(this.#config)}.lock`));
    }
    return this.#lock;
  }
}

interface OpenSink {
  readonly sink: Sink;
  readonly copier: LogCopier;
}

function unanswered(name: string, ms: number): PerdureError {
  return new PerdureError("store-unreachable", {
    message: `${name} did not answer within ${Math.round(ms / 1_000)} s`,
    hint: "Check that it runs and that this machine reaches it.",
  });
}
