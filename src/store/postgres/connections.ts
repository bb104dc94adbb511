/** The connections of one store: made when needed, given back, thrown away once they fail. `pg` is loaded here and nowhere else. */

import { Socket } from "node:net";

import type { Client, Pool, PoolClient, QueryConfig } from "pg";

import { PerdureError } from "../../base/errors.ts";
import { endedOrLate } from "./waiting.ts";
import type { PostgresUrl } from "./store-url.ts";
import { typeParser } from "./value-types.ts";

/** A connection that does not come about within this time will not. */
const CONNECT_TIMEOUT_MS = 5_000;
/** No statement is waited for longer than this unless it says so: a connection may die without a word. */
const ANSWER_TIMEOUT_MS = 25_000;
/** How long a server has to say that a connection is ended. */
const FAREWELL_MS = 1_000;

export interface Connections {
  /** One to use alone until it is released; with an error it is closed instead of kept. */
  take(): Promise<PoolClient>;
  /** One of its own, for listening; not connected yet. */
  makeClient(): Client;
  close(): Promise<void>;
}

/** What a connection goes over. */
export function socketOf(client: PoolClient): Socket {
  return (client as PoolClient & { readonly connection: { readonly stream: Socket } }).connection.stream;
}

/** A statement whose answer is waited for so long; then its connection is lost. */
export function within(timeoutMs: number, query: { readonly text: string; readonly values?: unknown[] }): QueryConfig {
  return Object.assign({}, query, { query_timeout: timeoutMs });
}

export async function openConnections(url: PostgresUrl): Promise<Connections> {
  const { default: pg } = await loadPg();
  const sockets = new Set<Socket>();
  const config = {
    stream: () => {
      const socket = new Socket();
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      return socket;
    },
    connectionString: url.connectionString,
    application_name: "perdure",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    pipeline: true,
    query_timeout: ANSWER_TIMEOUT_MS,
    types: { getTypeParser: typeParser as () => (value: string) => unknown },
  };
  const pool: Pool = new pg.Pool({ ...config, max: url.poolSize, idleTimeoutMillis: 30_000, allowExitOnIdle: true });
  // An idle connection that breaks is replaced when the next one is needed.
  pool.on("error", () => {});
  // One in use tells whoever waits for its answer; said to nobody else, it would end the process.
  pool.on("connect", (client) => void client.on("error", () => {}));
  return {
    take: () => pool.connect(),
    makeClient: () => new pg.Client(config),
    /** A connection is ended by its server's answer. What does not come any more is not waited for, nor does it keep the process alive. */
    async close() {
      const ending = pool.end();
      await endedOrLate([ending], FAREWELL_MS);
      for (const socket of sockets) socket.destroy();
      await ending;
    },
  };
}

async function loadPg(): Promise<typeof import("pg")> {
  try {
    return await import("pg");
  } catch (cause) {
    throw new PerdureError("unsupported", {
      message: "The Postgres store needs the package pg, which is not installed",
      hint: "npm install pg",
      cause,
    });
  }
}
