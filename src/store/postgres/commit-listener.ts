/**
 * Tells when other processes have committed: by LISTEN where the connection allows it, by looking at the newest change from
 * time to time in any case, for what a lost connection did not pass on.
 */

import type { Client, QueryConfig } from "pg";

import type { Connections } from "./connections.ts";

const CHANNEL = "perdure";
const RECONNECT_MS = { first: 200, most: 5_000 } as const;

export interface CommitListenerOptions {
  readonly connections: Connections;
  readonly listens: boolean;
  /** Says so itself, and is not told about it. */
  readonly storeId: string;
  readonly projectId: string;
  readonly onCommit: () => void;
  /** The newest change; `gone` when the project is not there any more, `null` when it cannot be told now. */
  readonly newestSeq: () => Promise<number | "gone" | null>;
}

/** How often it looks while it is listening, and while it is not. */
const POLL_MS = { listening: 5_000, otherwise: 250 } as const;

/** How long an answer may take before the listening connection is given up. */
const SILENCE_MS = 1_000;

export function listenForCommits(options: CommitListenerOptions): () => void {
  let client: Client | null = null;
  let isListening = false;
  let isOver = false;
  let retryMs: number = RECONNECT_MS.first;
  let timer: NodeJS.Timeout | null = null;
  let reconnect: NodeJS.Timeout | null = null;
  let newest: number | "gone" | null = null;

  const schedulePoll = (): void => {
    if (isOver) return;
    timer = setTimeout(look, isListening ? POLL_MS.listening : POLL_MS.otherwise);
    timer.unref();
  };
  const look = (): void => {
    void checkAlive();
    void options.newestSeq().then((seq) => {
      // One that is gone is news at each look: whoever listens is told so when they read.
      if (seq === "gone" || (seq !== null && newest !== null && seq !== newest)) options.onCommit();
      newest = seq ?? newest;
      schedulePoll();
    });
  };

  let loseClient = (): void => {};
  /** A connection can die without a word to either end; a server that still is there answers. */
  const checkAlive = async (): Promise<void> => {
    const [asked, lose] = [client, loseClient];
    if (asked === null || !isListening) return;
    const query: QueryConfig & { query_timeout: number } = { text: "select 1 as alive", query_timeout: SILENCE_MS };
    await asked.query(query).catch(lose);
  };

  const connect = async (): Promise<void> => {
    const next = options.connections.makeClient();
    let isLost = false;
    const lose = (): void => {
      // Said once by the error, once by the end, and once by whoever waited for an answer.
      if (isLost) return;
      isLost = true;
      client = null;
      isListening = false;
      next.removeAllListeners("notification");
      void next.end().catch(() => null);
      if (isOver) return;
      reconnect = setTimeout(() => void connect(), retryMs);
      reconnect.unref();
      retryMs = Math.min(RECONNECT_MS.most, retryMs * 2);
    };
    client = next;
    loseClient = lose;
    next.on("error", lose);
    next.on("end", lose);
    next.on("notification", ({ channel, payload }) => {
      const [projectId, storeId] = (payload ?? "").split(":");
      if (channel === CHANNEL && projectId === options.projectId && storeId !== options.storeId) options.onCommit();
    });
    try {
      await next.connect();
      await next.query(`listen ${CHANNEL}`);
      if (isOver) return lose();
      isListening = true;
      retryMs = RECONNECT_MS.first;
      // What was committed while nobody listened.
      options.onCommit();
    } catch {
      lose();
    }
  };

  if (options.listens) void connect();
  schedulePoll();
  return () => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
    if (reconnect !== null) clearTimeout(reconnect);
    const last = client;
    client = null;
    last?.removeAllListeners("end");
    void last?.end().catch(() => null);
  };
}

/** The statement that tells the listeners of other processes. */
export function notification({ projectId, storeId }: { readonly projectId: string; readonly storeId: string }): {
  readonly text: string;
  readonly values: string[];
} {
  return { text: "select pg_notify($1, $2)", values: [CHANNEL, `${projectId}:${storeId}`] };
}
