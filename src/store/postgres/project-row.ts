/** Which of the projects of a database is meant: the one of that name, made when there is none and one may be. */

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
    // None when a project of another name has that id.
    const found = await findProject(client, { schema, name });
    if (found !== null) return found;
  }
}

type NamedProject = Pick<NewProject, "schema" | "name">;

async function findProject(client: ClientBase, { schema, name }: NamedProject): Promise<FoundProject | null> {
  const { rows } = await client.query(`select id, is_restoring from ${schema}.projects where name = $1`, [name]);
  const [row] = rows;
  return row === undefined ? null : { id: asId(String(row.id)), isRestoring: Number(row.is_restoring) === 1 };
}

/** In a schema of any version. */
export async function hasProject(client: ClientBase, { schema, name }: NamedProject): Promise<boolean> {
  const { rows } = await client.query(`select 1 as is_there from ${schema}.projects where name = $1`, [name]);
  return rows.length > 0;
}
