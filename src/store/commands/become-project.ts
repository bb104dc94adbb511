/** Giving an empty store the identity of the project whose log it is to hold. */

import { PerdureError } from "../../base/errors.ts";
import type { Command } from "../command.ts";
import { defineWrite, oneRow, rows } from "../command.ts";
import type { ProjectIdentity } from "../port.ts";

/**
 * Only a driver's `becomeProject` may call it: what the driver knows of its project is the old id until it takes the new
 * one. Doing it again changes nothing. @throws PerdureError `conflict` when the project has changes
 */
export const becomeProject = defineWrite("become-project", function* (context, input: ProjectIdentity): Command<void> {
  if (context.projectId === input.projectId) return;
  const change = yield* oneRow("select seq from changes where project_id = ? limit 1", context.projectId);
  if (change !== null) {
    throw new PerdureError("conflict", {
      message: `The store holds project ${context.projectId} already, and cannot become project ${input.projectId}`,
      hint: "Use a store that is empty.",
      details: { projectId: context.projectId },
    });
  }
  yield* rows(
    "update projects set id = ?, name = ?, created_at = ? where id = ?",
    input.projectId,
    input.projectName,
    input.projectCreatedAt,
    context.projectId,
  );
});
