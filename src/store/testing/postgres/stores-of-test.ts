/** A database for each test, and stores on it that end with the test. */

import { afterEach, beforeEach } from "vitest";

import { systemRandom } from "../../../base/random.ts";
import type { PostgresStore } from "../../postgres/postgres-store.ts";
import { openPostgresStore } from "../../postgres/postgres-store.ts";
import type { Databases } from "./databases.ts";
import { sharedPostgres } from "./shared-postgres.ts";

export interface StoresOfTest {
  /** Of the server. */
  databases(): Databases;
  /** Of the test's database. */
  url(): string;
  /** A store of the project `work`, at the test's URL or another way there. */
  open(options?: { readonly through?: string; readonly query?: string }): Promise<PostgresStore>;
}

/** To be called while tests are collected. */
export function useStoresOfTest(): StoresOfTest {
  let databases: Databases;
  let url: string;
  const opened: PostgresStore[] = [];
  beforeEach(async () => {
    databases = await sharedPostgres({ isSynced: false });
    url = await databases.createDatabase();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (store) => store.close()));
    await databases.dropDatabase(url);
  });
  return {
    databases: () => databases,
    url: () => url,
    async open({ through = url, query = "" } = {}) {
      const options = { projectName: "work", actor: "test", random: systemRandom };
      const store = await openPostgresStore({ url: `${through}${query}`, ...options });
      opened.push(store);
      return store;
    },
  };
}
