/** The one project of a database: made with it, or taken over from where its changes come from. */

import type { DatabaseSync } from "node:sqlite";

import { assert } from "../../base/assert.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { ProjectId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";

export interface ProjectRow {
  readonly projectId: string;
  readonly projectName: string;
  readonly projectCreatedAt: number;
}

interface NewProject {
  readonly projectName: string;
  readonly clock: Clock;
  readonly random: Random;
}

export function ensureProject(database: DatabaseSync, { projectName, clock, random }: NewProject): ProjectId {
  const existing = readProject(database);
  if (existing !== null) return existing;
  const id = random.uuid().replaceAll("-", "").slice(0, 12);
  // Two processes may create the first project at once; the later one adopts what it finds.
  database
    .prepare("insert into projects (id, name, created_at) select ?, ?, ? where not exists (select 1 from projects)")
    .run(id, projectName, clock.now());
  const ensured = readProject(database);
  assert(ensured !== null, "a project exists after it was ensured");
  return ensured;
}

/** Puts another project in the place of the one there is, of which nothing may have been written yet. */
export function adoptProject(database: DatabaseSync, project: ProjectRow): ProjectId {
  database.prepare("delete from projects").run();
  database
    .prepare("insert into projects (id, name, created_at) values (?, ?, ?)")
    .run(project.projectId, project.projectName, project.projectCreatedAt);
  return asId(project.projectId);
}

function readProject(database: DatabaseSync): ProjectId | null {
  const row = database.prepare("select id from projects limit 1").get();
  return row === undefined ? null : asId(String(row.id));
}
