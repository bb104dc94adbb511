/**
 * Keeps the planner's knowledge of new tables up with their growth. Plans of prepared statements stay in use until a table is
 * analyzed; those made for tables it knows nothing of read all rows of a project to find one. The server's autovacuum comes by
 * only once a minute.
 */

import type { PoolClient } from "pg";

import type { Connections } from "./connections.ts";
import { within } from "./connections.ts";

export interface TableStatisticsOptions {
  readonly connections: Connections;
  readonly schema: string;
}

/** After so many changes it looks for the first time, then each time there are ten times as many. */
const FIRST_LOOK = 100;
const ANALYZE_TIMEOUT_MS = 120_000;

const OUTGROWN_SQL = `select c.relname as name
  from pg_class c left join pg_stat_all_tables s on s.relid = c.oid
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')
    and (c.reltuples < 0 or s.n_mod_since_analyze > 100 + c.reltuples)`;

export class TableStatistics {
  readonly #options: TableStatisticsOptions;
  #changes = 0;
  #nextLook = FIRST_LOOK;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: TableStatisticsOptions) {
    this.#options = options;
  }

  /** So many changes were committed. */
  note(count: number): void {
    this.#changes += count;
    if (this.#changes < this.#nextLook) return;
    this.#nextLook = this.#changes * 10;
    this.#looking = this.#look();
  }

  /** Resolves when it is not looking any more. */
  async settle(): Promise<void> {
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { connections, schema } = this.#options;
    let client: PoolClient | null = null;
    let isLost = false;
    try {
      client = await connections.take();
      const { rows } = await client.query(OUTGROWN_SQL, [schema]);
      const tables = rows.map(({ name }) => `${schema}.${String(name)}`);
      if (tables.length > 0) await client.query(within(ANALYZE_TIMEOUT_MS, { text: `analyze ${tables.join(", ")}` }));
    } catch {
      // Everything works without, only slower, until autovacuum does it.
      isLost = true;
    }
    client?.release(isLost);
  }
}
