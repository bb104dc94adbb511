/** Tells of commits: the listeners of this store in the next turn of the event loop, the stores of other processes by NOTIFY. */

import type { PoolClient } from "pg";

import { monotonicMs } from "../../base/stopwatch.ts";
import type { ProjectId } from "../../domain/ids.ts";
import type { CommitListener, OwnCommits } from "../port.ts";
import type { Connections } from "./connections.ts";
import { within } from "./connections.ts";
import type { CommitListenerOptions } from "./commit-listener.ts";
import { listenForCommits, notification } from "./commit-listener.ts";

export interface NotifierOptions extends Pick<CommitListenerOptions, "listens" | "storeId" | "newestSeq"> {
  readonly connections: Connections;
  readonly projectId: () => ProjectId;
}

interface News {
  own: OwnCommits | undefined;
}

/** Most notifications a second: one each so many milliseconds. */
const NOTIFY_EVERY_MS = 4;
const NOTIFY_TIMEOUT_MS = 5_000;

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #listeners = new Set<CommitListener>();
  #news: News | null = null;
  #stopListening: (() => void) | null = null;
  #notifiedAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    this.#stopListening ??= listenForCommits({
      ...this.#options,
      projectId: this.#options.projectId(),
      onCommit: () => this.tellListeners(undefined),
    });
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stopListening?.();
      this.#stopListening = null;
    };
  }

  /** @param own The store's own commits, when it is told of nothing else. */
  tellListeners(own: OwnCommits | undefined): void {
    if (this.#news !== null) {
      this.#news.own = this.#news.own === undefined ? undefined : own;
      return;
    }
    if (this.#listeners.size === 0) return;
    const news: News = { own };
    this.#news = news;
    setImmediate(() => {
      this.#news = null;
      for (const listener of this.#listeners) listener(news.own);
    });
  }

  /**
   * The statement to send behind a commit, or `null` when others were told just now: then they are told a little later.
   * Outside of the transaction, as a NOTIFY in it would make all commits of the database wait for each other.
   */
  tellOthers(): ReturnType<typeof notification> | null {
    if (this.#timer !== null) return null;
    const dueInMs = this.#notifiedAtMs + NOTIFY_EVERY_MS - monotonicMs();
    if (dueInMs <= 0) {
      this.#notifiedAtMs = monotonicMs();
      return this.#notification();
    }
    this.tellOthersSoon(dueInMs);
    return null;
  }

  tellOthersSoon(inMs = 0): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#notify();
    }, inMs);
    this.#timer.unref();
  }

  /** Nobody is listened to or told any more; what others were to be told is told now. */
  async close(): Promise<void> {
    this.#stopListening?.();
    this.#listeners.clear();
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    await this.#notify();
  }

  #notification(): ReturnType<typeof notification> {
    const { projectId, storeId } = this.#options;
    return notification({ projectId: projectId(), storeId });
  }

  async #notify(): Promise<void> {
    this.#notifiedAtMs = monotonicMs();
    let client: PoolClient | null = null;
    let isLost = false;
    try {
      client = await this.#options.connections.take();
      await client.query(within(NOTIFY_TIMEOUT_MS, this.#notification()));
    } catch {
      // The others find out by looking.
      isLost = true;
    }
    client?.release(isLost);
  }
}
