/** How much a project holds, for checking its health. */

import type { Command } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";

export interface ProjectCounts {
  readonly sessions: Readonly<Record<string, number>>;
  readonly tasks: Readonly<Record<string, number>>;
  readonly executions: number;
  readonly changes: number;
}

/** Sessions and tasks by status. */
export const countProject = defineRead("count-project", function* (context): Command<ProjectCounts> {
  const byStatus = function* (table: "sessions" | "tasks"): Command<Record<string, number>> {
    const sql = `select status, count(*) as n from ${table} where project_id = ? group by status order by status`;
    const found = yield* rows(sql, context.projectId);
    return Object.fromEntries(found.map((row) => [text(row.status), integer(row.n)]));
  };
  const count = function* (table: "executions" | "changes"): Command<number> {
    return integer((yield* oneRow(`select count(*) as n from ${table} where project_id = ?`, context.projectId))?.n);
  };
  return {
    sessions: yield* byStatus("sessions"),
    tasks: yield* byStatus("tasks"),
    executions: yield* count("executions"),
    changes: yield* count("changes"),
  };
});

/** Which project it is. */
export const readProject = defineRead("read-project", function* (context): Command<{
  readonly id: string;
  readonly name: string;
}> {
  const row = yield* oneRow("select name from projects where id = ?", context.projectId);
  return { id: context.projectId, name: text(row?.name) };
});
