/** Opening a database file: refuses what this program must not touch before anything is changed, then sets it up and migrates it. */

import { DatabaseSync } from "node:sqlite";

import { monotonicMs } from "../../base/stopwatch.ts";
import { migrate, refuseForeign, refuseNewer, schemaVersion } from "./migrations.ts";
import { fromSqliteError, isBusy } from "./sqlite-errors.ts";

export type Durability = "full" | "normal";

/**
 * Of a new database. Half of SQLite's default: a commit of one task writes 40 % fewer bytes, an empty database is half as
 * large, and messages of one to four kilobytes leave less of their pages empty.
 */
export const PAGE_BYTES = 2048;
/** What the write-ahead log holds before it is moved into the database. */
const WAL_BYTES = 32_768_000;

export interface OpenDatabase {
  readonly path: string;
  readonly durability: Durability;
  readonly busyTimeoutMs: number;
  /** Of a new database. Default `PAGE_BYTES`. */
  readonly pageBytes?: number;
}

/**
 * The database, migrated, with SQLite's own busy handler still on.
 *
 * @throws PerdureError `store-too-new`, `store-damaged`, `store-unreachable`; the file is as it was then.
 */
export function openDatabase(options: OpenDatabase): DatabaseSync {
  const deadline = monotonicMs() + options.busyTimeoutMs;
  for (;;) {
    try {
      return tryOpen(options);
    } catch (error) {
      // SQLite does not wait when several processes switch a new file to WAL at once; one of them is told it is busy.
      if (!isBusy(error) || monotonicMs() > deadline) throw fromSqliteError(error, options.path);
      sleepSync(5 + Math.min(50, options.busyTimeoutMs / 100));
    }
  }
}

function tryOpen({ path, durability, busyTimeoutMs, pageBytes = PAGE_BYTES }: OpenDatabase): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  try {
    refuseNewer(schemaVersion(database), path);
    refuseForeign(database, path);
    database.exec(`pragma page_size = ${pageBytes}`);
    database.exec("pragma journal_mode = wal");
    database.exec(`pragma synchronous = ${durability}`);
    const { page_size: actual } = database.prepare("pragma page_size").get() ?? {};
    database.exec(`pragma wal_autocheckpoint = ${Math.round(WAL_BYTES / Number(actual))}`);
    database.exec("pragma cache_size = -32000; pragma temp_store = memory");
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
