/** Says in the database that a project is being restored, so that no machine works on the beginning of it. */

import type { Command } from "../command.ts";
import { defineRead, defineWrite, oneRow, rows } from "../command.ts";

/** It says so until it is unset, also when the project gets another id. */
export const markRestoring = defineWrite(
  "mark-restoring",
  function* (context, { isRestoring }: { readonly isRestoring: boolean }): Command<void> {
    yield* rows("update projects set is_restoring = ? where id = ?", isRestoring ? 1 : 0, context.projectId);
  },
);

export const isMarkedRestoring = defineRead("is-marked-restoring", function* (context): Command<boolean> {
  const row = yield* oneRow("select is_restoring from projects where id = ?", context.projectId);
  return row?.is_restoring === 1;
});
