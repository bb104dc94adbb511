/** The store suite on a database of its own: each store of it is a project beside all the others. */

import type { StoreSuiteOptions, SuiteConnection, SuiteStore } from "../../../testing/store-suite/suite-options.ts";
import { storeSuite } from "../../../testing/store-suite.ts";
import { useTestDatabase } from "../../testing/postgres/test-database.ts";
import { openPostgresStore } from "../postgres-store.ts";

interface PostgresSuiteOptions {
  readonly name: string;
  /** For the query of the store's URL. */
  readonly parameters: string;
  readonly isBrief?: boolean;
}

export function postgresSuite(options: PostgresSuiteOptions): void {
  storeSuite(postgresStores(options));
}

/** To be called while tests are collected. */
export function postgresStores({ name, parameters, isBrief = false }: PostgresSuiteOptions): StoreSuiteOptions {
  const database = useTestDatabase();
  const open = async ({ storeName, ...deps }: SuiteConnection): Promise<SuiteStore> =>
    await openPostgresStore({
      url: `${database()}?pool=2&project=${storeName}${parameters}`,
      projectName: "suite",
      ...deps,
    });
  return { name, open, openSecond: open, isBrief };
}
