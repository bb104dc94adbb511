/** Which of the projects of a database is meant: the one of that name, made when there is none. */

import type { ClientBase } from "pg";

import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { ProjectId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";

interface NewProject {
  readonly schema: string;
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
}

interface FoundProject {
  readonly id: ProjectId;
  /** It is being restored, or a restore was cut off. */
  readonly isRestoring: boolean;
}

/** Safe to call from several processes at once. */
export async function ensureProject(
  client: ClientBase,
  { schema, name, clock, random }: NewProject,
): Promise<FoundProject> {
  for (;;) {
    const id = random.uuid().replaceAll("-", "").slice(0, 12);
    const sql = `insert into ${schema}.projects (id, name, created_at) values ($1, $2, $3) on conflict do nothing`;
    await client.query(sql, [id, name, clock.now()]);
    const found = await client.query(`select id, is_restoring from ${schema}.projects where name = $1`, [name]);
    // None when a project of another name has that id.
    const [row] = found.rows;
    if (row !== undefined) return { id: asId(String(row.id)), isRestoring: Number(row.is_restoring) === 1 };
  }
}
