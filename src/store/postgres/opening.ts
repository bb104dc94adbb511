/** What is done once when a store is opened: its schema, its project, the time of its server. */

import type { PoolClient } from "pg";

import type { Clock } from "../../base/clock.ts";
import { PerdureError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { monotonicMs } from "../../base/stopwatch.ts";
import type { ProjectId } from "../../domain/ids.ts";
import type { Connections } from "./connections.ts";
import { within } from "./connections.ts";
import type { ColumnType, Dialect } from "./dialect.ts";
import { postgresDialect } from "./dialect.ts";
import { migrate, presentVersion } from "./migrations.ts";
import { ensureProject, hasProject } from "./project-row.ts";
import type { ServerClock } from "./server-clock.ts";
import type { PostgresUrl } from "./store-url.ts";

export interface PostgresStoreOptions {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `schema`, `project`, `listen`, `prepare`, `partitions`, `pool` in its query (`PostgresUrl`). */
  readonly url: string;
  /** Of the project, unless the URL names it. */
  readonly projectName: string;
  readonly actor: string;
  /** Default: the server's time, the same for every process. */
  readonly clock?: Clock;
  readonly random: Random;
  /** How long a call waits for a server that cannot be reached or a project that is locked before it fails. Default 60 s. */
  readonly patienceMs?: number;
  /** To restore it: also a project that holds only the beginning of a log. Default: such a one is refused. */
  readonly mayBeHalfRestored?: boolean;
  /** Refuse a project that is not there, and make nothing: no schema either. Default: make it. */
  readonly mustExist?: boolean;
}

export interface Opening {
  readonly connections: Connections;
  readonly url: PostgresUrl;
  readonly options: PostgresStoreOptions;
  readonly time: ServerClock | null;
}

export interface Opened {
  readonly projectId: ProjectId;
  readonly schemaVersion: number;
  readonly dialect: Dialect;
}

/**
 * Brings the schema up to date and finds the project.
 *
 * @throws PerdureError `not-found` when it must exist and does not; `conflict` while it is being restored
 */
export async function prepare({ connections, url, options, time }: Opening): Promise<Opened> {
  const client = await connections.take();
  let failure: unknown;
  try {
    const { schema } = url;
    const name = url.project ?? options.projectName;
    const version = await presentVersion(client, url);
    const isThere = options.mustExist !== true || (version > 0 && (await hasProject(client, { schema, name })));
    if (!isThere) throw noProject(name, url.location);
    const schemaVersion = await migrate(client, url, version);
    if (time !== null) await lookAtClock(client, time);
    const clock = options.clock ?? time ?? failClock();
    const project = await ensureProject(client, { schema, name, clock, random: options.random });
    if (project.isRestoring && options.mayBeHalfRestored !== true) throw halfRestored(name, url.location);
    const columns = await client.query(COLUMNS_SQL, [schema]);
    const types = new Map<string, ColumnType>(
      columns.rows.map((row) => [String(row.name), String(row.type) as ColumnType]),
    );
    return { projectId: project.id, schemaVersion, dialect: postgresDialect(types) };
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    client.release(failure instanceof Error ? failure : undefined);
  }
}

function noProject(name: string, location: string): PerdureError {
  return new PerdureError("not-found", {
    message: `There is no Perdure project ${JSON.stringify(name)} in ${location}`,
    hint: "Begin one with `perdure init` or `perdure run PLAN`, or name another with ?project=NAME in the store's URL.",
    details: { project: name, location },
  });
}

function halfRestored(name: string, location: string): PerdureError {
  return new PerdureError("conflict", {
    message: `Project ${JSON.stringify(name)} of ${location} is being restored, or a restore was cut off: it holds only the beginning`,
    hint: "Wait until it is done, or run `perdure restore --from COPY` again, on any machine: it goes on. To begin anew, name another project with ?project=NAME.",
    details: { project: name, location },
  });
}

const COLUMNS_SQL = `select distinct a.attname as name, format_type(a.atttypid, null) as type
  from pg_attribute a join pg_class c on c.oid = a.attrelid
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p', 'v') and a.attnum > 0
    and format_type(a.atttypid, null) in ('text', 'bigint', 'double precision')`;

/** A server that takes longer tells nothing of the time. */
const LOOK_TIMEOUT_MS = 2_000;

export async function lookAtClock(client: PoolClient, time: ServerClock): Promise<void> {
  const askedAt = monotonicMs();
  const text = "select (extract(epoch from clock_timestamp()) * 1000)::bigint as now";
  const { rows } = await client.query(within(LOOK_TIMEOUT_MS, { text }));
  time.set(Number(rows[0]?.now), askedAt, monotonicMs());
}

export function failClock(): never {
  throw new Error("a store tells the time by a clock or by its server");
}
