/**
 * Finds out that a connection has died without a word to either end: asked over another one, the server says that it waits
 * for us, while we wait for it. What takes long, or waits for its turn, is left alone.
 */

import type { PoolClient } from "pg";

import type { Connections } from "./connections.ts";
import { socketOf, within } from "./connections.ts";

/** Silent for so long it is asked about, and again after as long. */
const SILENCE_MS = 1_500;
const ASK_TIMEOUT_MS = 2_000;

/** The server has had nothing to do for that client for a second, and says so of no other backend of a pooler. */
const WAITS_SQL = `select 1 from pg_stat_activity
  where pid = $1 and wait_event = 'ClientRead' and state_change < clock_timestamp() - interval '1 second'`;

/** Watches a connection in use; destroys it once it is known to be dead. Returns what ends that. */
export function watchForSilence(connections: Connections, client: PoolClient): () => void {
  const socket = socketOf(client);
  const { processID } = client as PoolClient & { readonly processID?: number };
  let heard = socket.bytesRead;
  let isOver = false;
  let timer = setTimeout(look, SILENCE_MS);

  function look(): void {
    const isSilent = socket.bytesRead === heard;
    heard = socket.bytesRead;
    void (isSilent ? askAbout() : Promise.resolve()).then(() => {
      if (!isOver) timer = setTimeout(look, SILENCE_MS);
    });
  }

  async function askAbout(): Promise<void> {
    let other: PoolClient | null = null;
    let isLost = false;
    try {
      other = await connections.take();
      const { rowCount } = await other.query(within(ASK_TIMEOUT_MS, { text: WAITS_SQL, values: [processID] }));
      if (rowCount === 1 && !isOver && socket.bytesRead === heard) socket.destroy();
    } catch {
      // Nothing is to be learnt now.
      isLost = true;
    }
    other?.release(isLost);
  }

  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
