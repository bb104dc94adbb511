/** How durable a product's writes are: read back from the connections it opened, rather than believed. */

import { DatabaseSync } from "node:sqlite";

const LEVELS = ["OFF", "NORMAL", "FULL", "EXTRA"];

export interface Watched<T> {
  readonly opened: T;
  readonly connections: readonly DatabaseSync[];
}

/** Runs `open` and notes the SQLite connections that were used meanwhile. One that is a lock on an empty file is none. */
export async function watchingConnections<T>(open: () => T | Promise<T>): Promise<Watched<T>> {
  const connections = new Set<DatabaseSync>();
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function noteAndExec(this: DatabaseSync, sql: string): void {
    connections.add(this);
    exec.call(this, sql);
  };
  try {
    return {
      opened: await open(),
      connections: [...connections].filter((connection) => connection.isOpen && !connection.isTransaction),
    };
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
}

/** `WAL FULL`: the journal mode and the synchronous setting of the connections. */
export function durabilityOf(connections: readonly DatabaseSync[]): string {
  const found = connections.filter((connection) => connection.isOpen).map(describe);
  return [...new Set(found)].join(", ") || "unknown";
}

function describe(connection: DatabaseSync): string {
  const mode = String(connection.prepare("pragma journal_mode").get()?.journal_mode).toUpperCase();
  const level = Number(connection.prepare("pragma synchronous").get()?.synchronous);
  return `${mode} ${LEVELS[level] ?? level}`;
}
