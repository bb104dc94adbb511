/** A database of its own for the tests of a file, without waiting for the disk: for tests of what statements do. */

import { afterAll, beforeAll } from "vitest";

import { sharedPostgres } from "./shared-postgres.ts";

/** To be called while tests are collected. Returns what tells its URL once they run. */
export function useTestDatabase(): () => string {
  let url = "";
  let drop = async (): Promise<void> => {};
  beforeAll(async () => {
    const server = await sharedPostgres({ isSynced: false });
    url = await server.createDatabase();
    drop = () => server.dropDatabase(url);
  }, 60_000);
  afterAll(() => drop());
  return () => url;
}
