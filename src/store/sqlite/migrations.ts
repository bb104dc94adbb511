/**
 * Brings a database to this program's schema: numbered SQL files, forward only, each in a transaction under the write lock. A new
 * database is made by `schema.sql` at once, which says what all of them come to: SQLite reads its whole schema again for each
 * column that is added, and a store of jsonl makes a database whenever it is opened.
 */

import type { DatabaseSync } from "node:sqlite";

import { readdirSync, readFileSync } from "../../base/quick-fs.ts";
import { PerdureError } from "../../base/errors.ts";

/** The number of the newest migration. Checked against the files by a test, so that opening a database reads none of them. */
export const SCHEMA_VERSION = 4;

const DIRECTORY = new URL("./migrations/", import.meta.url);
const WHOLE_SCHEMA = "schema.sql";

/** @throws PerdureError `store-too-new` when a newer program wrote the database; nothing is changed then. */
export function migrate(database: DatabaseSync, path: string): void {
  const version = schemaVersion(database);
  if (version === SCHEMA_VERSION) return;
  refuseNewer(version, path);
  const steps = version === 0 ? [{ version: SCHEMA_VERSION, file: WHOLE_SCHEMA }] : migrationFiles();
  for (const step of steps)
    apply(database, step, (present) => (version === 0 ? present === 0 : step.version > present));
}

/** By its numbered files alone, one after another, however new it is. For comparing it with one that `schema.sql` made. */
export function migrateStepByStep(database: DatabaseSync): void {
  for (const step of migrationFiles()) apply(database, step, (present) => step.version > present);
}

interface Step {
  /** Of the schema behind it. */
  readonly version: number;
  readonly file: string;
}

function apply(database: DatabaseSync, { version, file }: Step, isDue: (present: number) => boolean): void {
  database.exec("begin immediate");
  try {
    // Another process may have done it while this one waited for the lock.
    if (isDue(schemaVersion(database))) {
      database.exec(readFileSync(new URL(file, DIRECTORY), "utf8"));
      database.exec(`pragma user_version = ${version}`);
    }
    database.exec("commit");
  } catch (error) {
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

export function migrationFiles(): readonly Step[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith(".sql") && file !== WHOLE_SCHEMA)
    .toSorted()
    .map((file) => ({ version: Number.parseInt(file, 10), file }));
}

export function schemaVersion(database: DatabaseSync): number {
  const row = database.prepare("pragma user_version").get();
  return Number(row?.user_version);
}

/** Another program's database must not get our tables. @throws PerdureError `store-damaged` */
export function refuseForeign(database: DatabaseSync, path: string): void {
  if (schemaVersion(database) !== 0) return;
  const tables = database.prepare("select name from sqlite_schema where type = 'table' limit 1").all();
  if (tables.length === 0) return;
  throw new PerdureError("store-damaged", {
    message: `${path} is a database, but not one of Perdure's`,
    hint: "Name another file with --store, or leave it out; nothing was changed.",
    details: { path },
  });
}

/** @throws PerdureError `store-too-new` */
export function refuseNewer(version: number, path: string): void {
  if (version <= SCHEMA_VERSION) return;
  throw new PerdureError("store-too-new", {
    message: `The database ${path} has schema version ${version}; this Perdure knows up to ${SCHEMA_VERSION}`,
    hint: "Update Perdure (npm install perdure@latest); nothing was changed.",
    details: { path, version, supported: SCHEMA_VERSION },
  });
}
