/** Which snapshots of the workspace checkpoints hold. */

import type { Command } from "../command.ts";
import { defineRead, rows } from "../command.ts";
import { text } from "../entity-rows.ts";

/** Of the whole project, each once. */
export const listWorkspaceSnapshots = defineRead("list-workspace-snapshots", function* (context): Command<
  readonly string[]
> {
  const sql = "select distinct workspace from checkpoints where project_id = ? and workspace is not null";
  return (yield* rows(sql, context.projectId)).map(({ workspace }) => text(workspace));
});
