/** What opening a store makes in a database, and what it leaves alone. */

import { afterEach, beforeEach, expect, test } from "vitest";

import { systemRandom } from "../../base/random.ts";
import type { Databases } from "../testing/postgres/databases.ts";
import { sharedPostgres } from "../testing/postgres/shared-postgres.ts";
import type { PostgresStoreOptions } from "./opening.ts";
import { openPostgresStore } from "./postgres-store.ts";

let databases: Databases;
let url: string;
beforeEach(async () => {
  databases = await sharedPostgres({ isSynced: false });
  url = await databases.createDatabase();
});
afterEach(() => databases.dropDatabase(url));

async function open(options: Partial<PostgresStoreOptions>): Promise<void> {
  const store = await openPostgresStore({ url, projectName: "work", actor: "test", random: systemRandom, ...options });
  await store.close();
}

async function column(sql: string): Promise<readonly string[]> {
  return (await databases.query<{ value: string }>(sql, [], url)).map(({ value }) => value);
}

const schemas = (): Promise<readonly string[]> =>
  column("select nspname as value from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'");
const projects = (): Promise<readonly string[]> => column("select name as value from perdure.projects order by name");

test("a project that must be there is refused where there is no schema, and none is made", async () => {
  await expect(open({ mustExist: true })).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringMatching(/"work" in postgres:\/\/[^@]+\/test_/),
    hint: expect.stringContaining("?project=NAME"),
  });
  expect(await schemas()).toEqual(["public"]);
});

test("a project that must be there is refused where only others are, and opened once it is there", async () => {
  await open({ projectName: "other" });
  await expect(open({ mustExist: true })).rejects.toMatchObject({ code: "not-found" });
  expect(await projects()).toEqual(["other"]);
  await open({});
  await open({ mustExist: true });
  expect(await projects()).toEqual(["other", "work"]);
});

test("a schema of an older program is not brought up to date for a project that is not there", async () => {
  await open({ projectName: "other" });
  await databases.query("alter table perdure.projects drop column is_restoring", [], url);
  await databases.query("update perdure.schema_version set version = 2", [], url);
  await expect(open({ mustExist: true })).rejects.toMatchObject({ code: "not-found" });
  expect(await column("select version::text as value from perdure.schema_version")).toEqual(["2"]);
  await open({ projectName: "other", mustExist: true });
  expect(await column("select version::text as value from perdure.schema_version")).not.toEqual(["2"]);
});
