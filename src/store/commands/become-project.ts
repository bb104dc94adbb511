/** Giving an empty store the identity of the project whose log it is to hold. */

import { PerdureError } from "../../base/errors.ts";
import type { Command, CommandContext } from "../command.ts";
import { defineWrite, oneRow, rows } from "../command.ts";
import { text } from "../entity-rows.ts";
import type { ProjectIdentity } from "../port.ts";

export interface BecomeProject extends ProjectIdentity {
  /** Where the project is found by its name, it stays the one that the store was opened with. */
  readonly keepsName: boolean;
}

/**
 * Only a driver's `becomeProject` may call it: what the driver knows of its project is the old id until it takes the new
 * one. Doing it again changes nothing.
 *
 * @throws PerdureError `conflict` when the project has changes or a worker, or another one of the database has that id
 */
export const becomeProject = defineWrite("become-project", function* (context, input: BecomeProject): Command<void> {
  if (context.projectId === input.projectId) return;
  const change = yield* oneRow("select seq from changes where project_id = ? limit 1", context.projectId);
  const other = yield* oneRow("select name from projects where id = ?", input.projectId);
  if (change !== null || other !== null) {
    throw new PerdureError("conflict", {
      message:
        change === null
          ? `The database holds project ${input.projectId} already, as ${JSON.stringify(text(other?.name))}`
          : `The store holds project ${context.projectId} already, and cannot become project ${input.projectId}`,
      hint: "Use a store that is empty; nothing was changed.",
      details: { projectId: input.projectId },
    });
  }
  yield* refuseWhileWorked(context);
  const { projectId, projectCreatedAt: createdAt } = input;
  if (input.keepsName)
    yield* rows("update projects set id = ?, created_at = ? where id = ?", projectId, createdAt, context.projectId);
  else {
    const sql = "update projects set id = ?, created_at = ?, name = ? where id = ?";
    yield* rows(sql, projectId, createdAt, input.projectName, context.projectId);
  }
});

/** It would wait for tasks of a project that is no more. */
function* refuseWhileWorked(context: CommandContext): Command<void> {
  const sql = "select label from workers where project_id = ? and lease_expires_at > ? limit 1";
  const worker = yield* oneRow(sql, context.projectId, context.now);
  if (worker === null) return;
  throw new PerdureError("conflict", {
    message: `${text(worker.label)} works on the project, which is to become another one`,
    hint: "Stop it, restore, and start it again; nothing was changed.",
    details: { projectId: context.projectId },
  });
}
