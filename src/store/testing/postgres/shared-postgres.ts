/**
 * The one server that test files share when all they need is a database of their own. It starts when the first of them asks.
 * `PERDURE_TEST_POSTGRES_URL` names a running server to use instead (15 or later, a user who may create databases).
 */

import type { Databases } from "./databases.ts";
import { databasesAt } from "./databases.ts";
import { startPostgres } from "./postgres-server.ts";
import { openRun } from "./run-directory.ts";

/** @param isSynced Without, commits are not synced: for tests of what statements do, where a database costs 20 ms and not 100. */
export async function sharedPostgres({ isSynced = true } = {}): Promise<Databases> {
  const given = process.env.PERDURE_TEST_POSTGRES_URL;
  if (given !== undefined) return databasesAt(given);
  const fsync = isSynced ? "on" : "off";
  const start = async (): Promise<string> => (await startPostgres({ max_connections: 300, fsync })).url();
  const url = await openRun().once(`shared-fsync-${fsync}`, start);
  return databasesAt(url, isSynced ? "wal_log" : "file_copy");
}
