/** A look at the newest change, outside of any transaction. */

import type { ProjectId } from "../../domain/ids.ts";
import type { Connections } from "./connections.ts";
import { within } from "./connections.ts";
import type { PostgresUrl } from "./store-url.ts";

/** One that takes longer is left to the next. */
const TIMEOUT_MS = 5_000;

interface Place {
  readonly connections: Connections;
  readonly url: PostgresUrl;
}

/** `null` when it cannot be told now. */
export async function newestChange({ connections, url }: Place, projectId: ProjectId): Promise<number | null> {
  try {
    const client = await connections.take();
    let isLost = false;
    try {
      const text = `select max(seq) as seq from ${url.schema}.changes where project_id = $1`;
      const { rows } = await client.query(within(TIMEOUT_MS, { text, values: [projectId] }));
      return Number(rows[0]?.seq ?? 0);
    } catch {
      isLost = true;
      return null;
    } finally {
      client.release(isLost);
    }
  } catch {
    return null;
  }
}
