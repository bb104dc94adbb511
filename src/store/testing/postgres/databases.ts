/** Databases of a PostgreSQL server: made in a moment, asked anything, and cut off from their clients. */

import { randomUUID } from "node:crypto";

import pg from "pg";

export interface Databases {
  /** Of a database of that name, which may not exist yet. */
  url(database?: string): string;
  /** Makes an empty database, or a copy of another that nobody is connected to. Returns its URL. */
  createDatabase(options?: { readonly name?: string; readonly template?: string }): Promise<string>;
  /** Cuts off whoever is connected. */
  dropDatabase(url: string): Promise<void>;
  /** Runs one statement as the owner of the server, over a connection of its own. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[], url?: string): Promise<readonly Row[]>;
  /** Calls `pg_terminate_backend` for the connections to a database: all, or as many as `most`, chosen at random. Returns how many. */
  terminateBackends(url: string, most?: number): Promise<number>;
}

/** How the server copies a template. `file_copy` is faster where nothing is synced, and much slower where it is. */
type Copying = "wal_log" | "file_copy";

/** @param maintenanceUrl Of a database that is always there, with a user who may create others. */
export function databasesAt(maintenanceUrl: string, copying: Copying = "wal_log"): Databases {
  const url = (database = "postgres"): string => {
    const made = new URL(maintenanceUrl);
    made.pathname = `/${database}`;
    return made.href;
  };
  const query: Databases["query"] = async (sql, values = [], at = maintenanceUrl) => {
    const client = new pg.Client({ connectionString: at, application_name: "perdure-test" });
    // Said by the query too, if it matters.
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  };
  return {
    url,
    query,
    async createDatabase({ name = `test_${randomUUID().slice(0, 8)}`, template = "template0" } = {}) {
      const [made, from] = [pg.escapeIdentifier(name), pg.escapeIdentifier(template)];
      await query(`create database ${made} template ${from} strategy ${copying}`);
      return url(name);
    },
    async dropDatabase(of) {
      await query(`drop database if exists ${pg.escapeIdentifier(nameIn(of))} with (force)`);
    },
    async terminateBackends(of, most = 1e9) {
      const rows = await query<{ ended: boolean }>(
        `select pg_terminate_backend(pid) as ended from (
           select pid from pg_stat_activity where datname = $1 and pid <> pg_backend_pid() order by random() limit $2
         ) as chosen`,
        [nameIn(of), most],
      );
      return rows.filter(({ ended }) => ended).length;
    },
  };
}

function nameIn(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
