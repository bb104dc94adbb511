/** The store suite on a database of its own: each store of it is a project beside all the others. */

import { afterAll, beforeAll } from "vitest";

import type { SuiteConnection, SuiteStore } from "../../../testing/store-suite/suite-options.ts";
import { storeSuite } from "../../../testing/store-suite.ts";
import { sharedPostgres } from "../../testing/postgres/shared-postgres.ts";
import { openPostgresStore } from "../postgres-store.ts";

interface PostgresSuiteOptions {
  readonly name: string;
  /** For the query of the store's URL. */
  readonly parameters: string;
  readonly isBrief?: boolean;
}

export function postgresSuite({ name, parameters, isBrief = false }: PostgresSuiteOptions): void {
  let database: string;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    // What is acknowledged is tested elsewhere; without waiting for the disk the suite is quick.
    const server = await sharedPostgres({ isSynced: false });
    database = await server.createDatabase();
    drop = () => server.dropDatabase(database);
  }, 60_000);
  afterAll(() => drop());

  const open = async ({ storeName, ...deps }: SuiteConnection): Promise<SuiteStore> =>
    await openPostgresStore({
      url: `${database}?pool=2&project=${storeName}${parameters}`,
      projectName: "suite",
      ...deps,
    });
  storeSuite({ name, open, openSecond: open, isBrief });
}
