/**
 * Finds out that a connection has died without a word to either end: asked over another one, the server says that it waits
 * for us, while we wait for it, or that it has ended that connection. What takes long, or waits for its turn, is left alone.
 */

import type { PoolClient } from "pg";

import type { Connections } from "./connections.ts";
import { socketOf, within } from "./connections.ts";

/** Silent for so long it is asked about, and again after as long. */
const SILENCE_MS = 1_500;
const ASK_TIMEOUT_MS = 2_000;

/**
 * The server has had nothing to do for that client for a second, or has nothing of it left, as when it ended what was idle in
 * its transaction. Behind a pooler a client is told of a backend that is none, and then nothing follows from its absence.
 */
const DIED_SQL = `select 1
  where exists (select from pg_stat_activity
    where pid = $1 and wait_event = 'ClientRead' and state_change < clock_timestamp() - interval '1 second')
  or ($2 = pg_backend_pid() and not exists (select from pg_stat_activity where pid = $1))`;

/** Watches a connection in use; destroys it once it is known to be dead. Returns what ends that. */
export function watchForSilence(connections: Connections, client: PoolClient): () => void {
  const socket = socketOf(client);
  const pid = backendOf(client);
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
      const values = [pid, backendOf(other)];
      const { rowCount } = await other.query(within(ASK_TIMEOUT_MS, { text: DIED_SQL, values }));
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

/** The backend that the server, or a pooler, has said to be this client's. */
function backendOf(client: PoolClient): number | null {
  const { processID } = client as PoolClient & { readonly processID: number | null };
  return processID;
}
