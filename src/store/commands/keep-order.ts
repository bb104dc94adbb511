/**
 * Keeps the order of a plan when a task is completed before its turn, as submitting the plan again would: by the edges there
 * are, which tell what follows from a task's place alone.
 */

import { comesAfter } from "../../domain/done-out-of-turn.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { rows } from "../command.ts";
import { text, textOrNull } from "../entity-rows.ts";
import { recursByText } from "../schedule-column.ts";
import { insertEdge, refuseTooManyNeeds } from "./create-tasks.ts";
import { nameOfTask } from "./dependencies.ts";
import { recountUnfinished } from "./plan-needs.ts";

/**
 * To be called while the task is not completed yet: those that wait for it are told of that later. What has begun is left
 * alone. The edges it adds close no circle (`done-out-of-turn.ts`).
 *
 * @throws PerdureError `limit-reached` when one would wait for too many
 */
export function* keepOrder(context: CommandContext, task: Row): Command<void> {
  const tasks = yield* tasksOf(context, text(task.session_id));
  const placed = [...tasks].map(([key, { row, needs, needsByPlace }]) => {
    // What recurs is no part that its parent waits for.
    const parentKey = recursByText(row.schedule) ? null : textOrNull(row.parent_id);
    return { key, parentKey, needs, needsByPlace, schedule: null };
  });
  const after = comesAfter(placed, (id) => id === task.id || tasks.get(id)?.row.status === "completed");
  for (const [id, others] of after) {
    const found = tasks.get(id);
    if (found === undefined || hasBegun(found.row)) continue;
    const more = others.filter((other) => !found.targets.has(other));
    if (more.length === 0) continue;
    refuseTooManyNeeds(nameOfTask(found.row), found.targets.size + more.length);
    for (const other of more) yield* insertEdge(context, { task: found.row, dependsOnId: other, kind: "order" });
    yield* recountUnfinished(context, id);
  }
}

function hasBegun({ execution_id: executionId, status }: Row): boolean {
  return executionId !== null || status === "in_progress" || status === "completed";
}

interface Found {
  readonly row: Row;
  readonly needs: string[];
  readonly needsByPlace: string[];
  /** Of its edges of any kind. */
  readonly targets: Set<string>;
}

/** By id. */
function* tasksOf(context: CommandContext, sessionId: string): Command<ReadonlyMap<string, Found>> {
  const sql = `select id, session_id, parent_id, key, title, status, schedule, execution_id from tasks
    where project_id = ? and session_id = ? order by seq`;
  const edgeSql = `select d.task_id as task_id, d.depends_on_id as depends_on_id, d.kind as kind
    from tasks t join dependencies d on d.project_id = t.project_id and d.task_id = t.id
    where t.project_id = ? and t.session_id = ?`;
  const tasks = new Map<string, Found>();
  for (const row of yield* rows(sql, context.projectId, sessionId))
    tasks.set(text(row.id), { row, needs: [], needsByPlace: [], targets: new Set() });
  for (const { task_id: id, depends_on_id: other, kind } of yield* rows(edgeSql, context.projectId, sessionId)) {
    const task = tasks.get(text(id));
    task?.targets.add(text(other));
    if (kind === "needs" || kind === "place") task?.needs.push(text(other));
    if (kind === "place") task?.needsByPlace.push(text(other));
  }
  return tasks;
}
