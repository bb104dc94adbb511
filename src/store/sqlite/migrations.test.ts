import { DatabaseSync } from "node:sqlite";

import { expect, onTestFinished, test } from "vitest";

import { migrate, migrateStepByStep, SCHEMA_VERSION, schemaVersion } from "./migrations.ts";

function anEmptyDatabase(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  return database;
}

/** Everything in the order in which it was made, but what SQLite makes by itself, and the statistics that were written. */
function schemaOf(database: DatabaseSync): string {
  const made = database
    .prepare(
      `select sql from sqlite_schema where sql is not null and name not like 'sqlite\\_%' escape '\\'
        and name not like 'facts\\_text\\_%' escape '\\' or type = 'trigger' order by rowid`,
    )
    .all();
  const statistics = database.prepare("select tbl, idx, stat from sqlite_stat1 order by rowid").all();
  const rows = statistics.map(
    ({ tbl, idx, stat }) => `  (${[tbl, idx, stat].map((text) => `'${String(text)}'`).join(", ")})`,
  );
  return [
    "-- What the numbered files come to. Written by migrations.test.ts: after a new one run it with --update.",
    ...made.map(({ sql }) => `${String(sql)};`),
    "analyze sqlite_schema;",
    `insert into sqlite_stat1 (tbl, idx, stat) values\n${rows.join(",\n")};`,
    "analyze sqlite_schema;",
    "",
  ].join("\n");
}

test("a new database is what the numbered migrations come to", async () => {
  const stepByStep = anEmptyDatabase();
  migrateStepByStep(stepByStep);
  await expect(schemaOf(stepByStep)).toMatchFileSnapshot("./migrations/schema.sql");
  const atOnce = anEmptyDatabase();
  migrate(atOnce, ":memory:");
  expect(schemaOf(atOnce)).toBe(schemaOf(stepByStep));
  expect(schemaVersion(atOnce)).toBe(SCHEMA_VERSION);
});
