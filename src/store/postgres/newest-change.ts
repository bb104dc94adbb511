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

/** `0` when there is none, `gone` when there is no such project any more, `null` when it cannot be told now. */
export async function newestChange({ connections, url }: Place, projectId: ProjectId): Promise<number | "gone" | null> {
  try {
    const client = await connections.take();
    let isLost = false;
    try {
      const text = `select (select max(seq) from ${url.schema}.changes where project_id = $1) as seq,
        exists (select from ${url.schema}.projects where id = $1) as is_there`;
      const { rows } = await client.query(within(TIMEOUT_MS, { text, values: [projectId] }));
      return Number(rows[0]?.is_there) === 1 ? Number(rows[0]?.seq ?? 0) : "gone";
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
