import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll } from "vitest";

import { openJsonlStore } from "../store/jsonl/jsonl-store.ts";
import { openPostgresStore } from "../store/postgres/postgres-store.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import { sharedPostgres } from "../store/testing/postgres/shared-postgres.ts";
import type { SuiteConnection, SuiteStore } from "../testing/store-suite/suite-options.ts";
import { migrationSuite } from "./testing/migration-suite.ts";

const directory = mkdtempSync(join(tmpdir(), "perdure-migration-stores-"));
/** One server, and a database for each store: a project that is moved keeps its id, which a database holds once. */
let server: Awaited<ReturnType<typeof sharedPostgres>>;
const databases: string[] = [];
let count = 0;

beforeAll(async () => {
  server = await sharedPostgres({ isSynced: false });
}, 60_000);
afterAll(async () => {
  for (const database of databases) await server.dropDatabase(database);
  rmSync(directory, { recursive: true, force: true });
});

const sqlite = async ({ storeName, ...deps }: SuiteConnection): Promise<SuiteStore> =>
  openSqliteStore({
    path: join(directory, `${(count += 1)}.db`),
    projectName: storeName,
    durability: "normal",
    ...deps,
  });

const jsonl = async ({ storeName, ...deps }: SuiteConnection): Promise<SuiteStore> =>
  await openJsonlStore({
    directory: join(directory, String((count += 1))),
    projectName: storeName,
    durability: "normal",
    ...deps,
  });

const postgres = async ({ storeName, ...deps }: SuiteConnection): Promise<SuiteStore> => {
  const database = await server.createDatabase();
  databases.push(database);
  return await openPostgresStore({ url: `${database}?pool=2`, projectName: storeName, ...deps });
};

migrationSuite([
  { name: "sqlite", open: sqlite, openSecond: null },
  { name: "jsonl", open: jsonl, openSecond: null },
  { name: "postgres", open: postgres, openSecond: null },
]);
