import { afterAll, beforeAll } from "vitest";

import type { SuiteConnection, SuiteStore } from "../../testing/store-suite/suite-options.ts";
import { storeSuite } from "../../testing/store-suite.ts";
import { sharedPostgres } from "../testing/postgres/shared-postgres.ts";
import { openPostgresStore } from "./postgres-store.ts";

/** One database: each store of the suite is a project of its own in it, beside all the others. */
let database: string;
let drop: () => Promise<void>;
beforeAll(async () => {
  // What is acknowledged is tested elsewhere; without waiting for the disk the suite is quick.
  const server = await sharedPostgres({ isSynced: false });
  database = await server.createDatabase();
  drop = () => server.dropDatabase(database);
}, 60_000);
afterAll(() => drop());

function opener(parameters: string): (connection: SuiteConnection) => Promise<SuiteStore> {
  return async ({ storeName, ...deps }) =>
    await openPostgresStore({
      url: `${database}?pool=2&project=${storeName}${parameters}`,
      projectName: "suite",
      ...deps,
    });
}

const open = opener("");
storeSuite({ name: "postgres", open, openSecond: open });

// Hot tables split by project, and all that a pooler in transaction mode does not pass on left out.
const openSplit = opener("&schema=split&partitions=4&listen=false&prepare=false");
storeSuite({ name: "partitioned postgres behind a pooler", open: openSplit, openSecond: openSplit });
