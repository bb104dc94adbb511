/** What a PostgreSQL server did for each task: transactions, rows, bytes of its log, processor time. */

import type { Servers } from "./servers.ts";
import { sleep } from "./shared-clock.ts";

export interface ServerCost {
  readonly commits: number;
  readonly rowsWritten: number;
  readonly walBytes: number;
  /** Of the server's processes; not a number where the machine does not tell. */
  readonly cpuMs: number;
}

export interface CostSoFar extends ServerCost {
  /** Completed in the database. */
  readonly tasks: number;
}

/** Connections report what they did once they are closed, or idle for a moment. */
const REPORTING_MS = 1_200;

const COST_SQL = `select xact_commit as commits, tup_inserted + tup_updated + tup_deleted as rows, pg_current_wal_insert_lsn() - '0/0' as wal,
    (select count(*) from perdure.tasks where status = 'completed') as tasks
  from pg_stat_database where datname = current_database()`;

export async function costSoFar(servers: Servers, url: string): Promise<CostSoFar> {
  await sleep(REPORTING_MS);
  const [row] = await servers.query<Readonly<Record<"commits" | "rows" | "wal" | "tasks", string>>>(COST_SQL, url);
  return {
    commits: Number(row?.commits),
    rowsWritten: Number(row?.rows),
    walBytes: Number(row?.wal),
    cpuMs: servers.postgresCpuMs() ?? Number.NaN,
    tasks: Number(row?.tasks),
  };
}

/** For each of so many tasks. */
export function costBetween(before: ServerCost, after: ServerCost, tasks: number): ServerCost {
  const each = (name: keyof ServerCost): number => (after[name] - before[name]) / tasks;
  return {
    commits: each("commits"),
    rowsWritten: each("rowsWritten"),
    walBytes: each("walBytes"),
    cpuMs: each("cpuMs"),
  };
}
