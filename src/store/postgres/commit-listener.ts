/**
 * Tells when other processes have committed: by LISTEN where the connection allows it, by looking at the newest change from
 * time to time in any case, for what a lost connection did not pass on.
 */

import type { Client } from "pg";

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
  /** The newest change, or `null` when it cannot be told now. */
  readonly newestSeq: () => Promise<number | null>;
}

/** How often it looks while it is listening, and while it is not. */
const POLL_MS = { listening: 5_000, otherwise: 250 } as const;

export function listenForCommits(options: CommitListenerOptions): () => void {
  let client: Client | null = null;
  let isListening = false;
  let isOver = false;
  let retryMs: number = RECONNECT_MS.first;
  let timer: NodeJS.Timeout | null = null;
  let reconnect: NodeJS.Timeout | null = null;
  let newest: number | null = null;

  const schedulePoll = (): void => {
    if (isOver) return;
    timer = setTimeout(look, isListening ? POLL_MS.listening : POLL_MS.otherwise);
    timer.unref();
  };
  const look = (): void => {
    void options.newestSeq().then((seq) => {
      if (seq !== null && newest !== null && seq !== newest) options.onCommit();
      newest = seq ?? newest;
      schedulePoll();
    });
  };

  const connect = async (): Promise<void> => {
    const next = options.connections.makeClient();
    const lose = (): void => {
      if (client !== next && client !== null) return;
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
