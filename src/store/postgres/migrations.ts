/** Brings a schema to this program's version: numbered SQL files, forward only, all in one transaction under a lock. */

import type { ClientBase } from "pg";

import { PerdureError } from "../../base/errors.ts";
import { readdirSync, readFileSync } from "../../base/quick-fs.ts";
import { within } from "./connections.ts";
import type { PostgresUrl } from "./store-url.ts";

const DIRECTORY = new URL("./postgres-schema/", import.meta.url);
/** Of the lock under which a schema is changed: "perdure" in its own way. */
const MIGRATION_LOCK = 7_352_738_710;

/** Large tables take their time. */
const MIGRATION_TIMEOUT_MS = 3_600_000;

/** 0 where there is no schema. @throws PerdureError `store-too-new` when a newer program wrote it. */
export async function presentVersion(client: ClientBase, url: PostgresUrl): Promise<number> {
  const version = await schemaVersion(client, url.schema);
  refuseNewer(version, newestVersion(), url.location);
  return version;
}

/** From the version that was found. @throws PerdureError `store-too-new` when a newer program wrote the schema since; nothing is changed then. */
export async function migrate(client: ClientBase, url: PostgresUrl, version: number): Promise<number> {
  const newest = newestVersion();
  if (version === newest) return version;
  await client.query("begin");
  try {
    const lock = { text: "select pg_advisory_xact_lock($1)", values: [MIGRATION_LOCK] };
    await client.query(within(MIGRATION_TIMEOUT_MS, lock));
    // Another process may have done it while this one waited for the lock.
    const present = await schemaVersion(client, url.schema);
    refuseNewer(present, newest, url.location);
    await client.query(`create schema if not exists ${url.schema}`);
    await client.query(`set local search_path to ${url.schema}`);
    await client.query("set local check_function_bodies to off");
    if (present === 0) await refuseForeign(client, url);
    for (const { version: number, file } of migrationFiles()) {
      if (number <= present) continue;
      const text = withPartitions(readFileSync(new URL(file, DIRECTORY), "utf8"), url.partitions);
      await client.query(within(MIGRATION_TIMEOUT_MS, { text }));
    }
    await client.query("create table if not exists schema_version (version bigint not null)");
    await client.query("delete from schema_version");
    await client.query("insert into schema_version (version) values ($1)", [newest]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => null);
    throw error;
  }
  return newest;
}

function newestVersion(): number {
  return migrationFiles().at(-1)?.version ?? 0;
}

export function migrationFiles(): readonly { readonly version: number; readonly file: string }[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith(".sql"))
    .toSorted()
    .map((file) => ({ version: Number.parseInt(file, 10), file }));
}

async function schemaVersion(client: ClientBase, schema: string): Promise<number> {
  const table = `${schema}.schema_version`;
  const found = await client.query("select to_regclass($1) is not null as is_there", [table]);
  if (Number(found.rows[0]?.is_there) !== 1) return 0;
  const version = await client.query(`select max(version) as version from ${table}`);
  return Number(version.rows[0]?.version ?? 0);
}

/** `{hot}` after a table's definition: it is split by project when that is wished for. */
function withPartitions(sql: string, partitions: number): string {
  if (partitions === 0) return sql.replaceAll(" {hot}", "");
  return sql.replaceAll(/create table (\w+) ([^;]*?) \{hot\};/gs, (_, table: string, definition: string) => {
    const parts = Array.from(
      { length: partitions },
      (__, part) =>
        `create table ${table}_${part} partition of ${table} for values with (modulus ${partitions}, remainder ${part});`,
    );
    return `create table ${table} ${definition} partition by hash (project_id);\n${parts.join("\n")}`;
  });
}

/** Another program's tables must not be mixed with ours. @throws PerdureError `store-damaged` */
async function refuseForeign(client: ClientBase, { schema, location }: PostgresUrl): Promise<void> {
  const tables = await client.query("select relname from pg_class where relnamespace = $1::regnamespace limit 1", [
    schema,
  ]);
  if (tables.rows.length === 0) return;
  throw new PerdureError("store-damaged", {
    message: `The schema ${schema} of ${location} holds tables that are not Perdure's`,
    hint: "Name another with ?schema=NAME in the store's URL; nothing was changed.",
    details: { schema, location },
  });
}

function refuseNewer(version: number, newest: number, location: string): void {
  if (version <= newest) return;
  throw new PerdureError("store-too-new", {
    message: `The database ${location} has schema version ${version}; this Perdure knows up to ${newest}`,
    hint: "Update Perdure (npm install perdure@latest); nothing was changed.",
    details: { location, version, supported: newest },
  });
}
