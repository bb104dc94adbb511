/**
 * Where effects are counted: a PostgreSQL server of its own, apart from the one under test and from all that befalls it. Its
 * clients come by a socket in the file system, which a worker also reaches whose network was cut. It syncs every commit, so what
 * was noted is there however the process ends that noted it.
 */

import { chmodSync, mkdtempSync } from "node:fs";
import { join } from "node:path";

import { startPostgres } from "../../src/store/testing/postgres/postgres-server.ts";
import { openRun } from "../../src/store/testing/postgres/run-directory.ts";

/** What took place outside of the store: a row each. */
export interface Happening {
  /** A run began; a step's function was called; it took effect. */
  readonly kind: "start" | "begin" | "effect";
  readonly execution: string;
  readonly attempt: number;
  readonly task: string;
  /** Empty for a run. */
  readonly step: string;
  /** Of the step: what an external system would recognise a repetition by. */
  readonly key: string;
  /** The worker's process. */
  readonly pid: number;
  /** Epoch milliseconds: when the worker called the function, and when the database took the effect. */
  readonly at: number;
}

export interface EffectsDatabase {
  /** For workers: leads through the socket. */
  readonly url: string;
  /** In the order in which they took place. */
  happenings(): Promise<readonly Happening[]>;
}

export interface EffectsServer {
  /** Makes an empty one. */
  createDatabase(): Promise<EffectsDatabase>;
  remove(): Promise<void>;
}

const SCHEMA_SQL = `
create table happenings (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('start', 'begin', 'effect')),
  execution text not null,
  attempt integer not null,
  task text not null,
  step text not null,
  key text not null,
  pid integer not null,
  called_at double precision not null,
  taken_at timestamptz not null default clock_timestamp()
);
create index happenings_effects on happenings (key) where kind = 'effect';
`;

// A process that is frozen on the way here takes effect when it wakes, whenever it meant to.
const HAPPENINGS_SQL = `
select kind, execution, attempt, task, step, key, pid,
       case kind when 'effect' then extract(epoch from taken_at)::double precision * 1000 else called_at end as at
  from happenings order by at, id`;

export async function startEffectsServer(): Promise<EffectsServer> {
  const socketDir = mkdtempSync(join(openRun().path, "effects-"));
  // The server may run as somebody else than who runs the tests.
  chmodSync(socketDir, 0o777);
  const server = await startPostgres({ unix_socket_directories: socketDir });
  return {
    async createDatabase() {
      const url = new URL(await server.createDatabase());
      url.searchParams.set("host", socketDir);
      await server.query(SCHEMA_SQL, [], url.href);
      return {
        url: url.href,
        happenings: async () => server.query<Happening>(HAPPENINGS_SQL, [], url.href),
      };
    },
    remove: async () => server.remove(),
  };
}
