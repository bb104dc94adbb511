/** Tables that are coordination and not in the log: workers, and the commands they started. Taken over as far as they can be read. */

import { DatabaseSync } from "node:sqlite";

import type { Salvage } from "./salvage.ts";

/** Of processes that may outlive their Perdure the next run must know. */
export function copyCoordination(salvage: Salvage | null, path: string): void {
  if (salvage === null) return;
  const database = new DatabaseSync(path);
  try {
    for (const [table, found] of salvage.coordination) {
      for (const row of found) {
        const columns = Object.keys(row);
        const marks = columns.map(() => "?").join(", ");
        try {
          const sql = `insert or ignore into ${table} (${columns.join(", ")}) values (${marks})`;
          database.prepare(sql).run(...Object.values(row));
        } catch {
          // A damaged row; workers register anew, and what they held is taken over without it.
        }
      }
    }
  } finally {
    database.close();
  }
}
