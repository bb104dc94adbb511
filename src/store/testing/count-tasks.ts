/** How many tasks a store holds, for tests. */

import type { Command } from "../command.ts";
import { defineRead, oneRow } from "../command.ts";
import { integer } from "../entity-rows.ts";

export const countTasksOf = defineRead("count-tasks-of", function* (context): Command<number> {
  const row = yield* oneRow("select count(*) as n from tasks where project_id = ?", context.projectId);
  return integer(row?.n);
});
