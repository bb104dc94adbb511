/** Reading one step inside a command. */

import type { Command, CommandContext, Row } from "../command.ts";
import { oneRow } from "../command.ts";
import { columnsOf, STEPS } from "../tables.ts";

export function* stepRow(context: CommandContext, executionId: string, position: number): Command<Row | null> {
  const sql = `select project_id, ${columnsOf(STEPS)} from steps where project_id = ? and execution_id = ? and position = ?`;
  return yield* oneRow(sql, context.projectId, executionId, position);
}
