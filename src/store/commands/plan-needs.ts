/** What a task of a plan needs and comes after: whether that has changed, and setting it anew. */

import { PerdureError } from "../../base/errors.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { oneRow, rows } from "../command.ts";
import { text } from "../entity-rows.ts";
import { deleteRow } from "../rows.ts";
import { columnsOf, DEPENDENCIES } from "../tables.ts";
import { insertEdge, refuseTooManyNeeds } from "./create-tasks.ts";
import type { EdgeKind } from "./dependencies.ts";
import { nameOfTask, recountDependencies, settleDependents } from "./dependencies.ts";
import { taskRow } from "./task-rows.ts";

/** By key or id. */
interface WantedNeeds {
  readonly needs: readonly string[];
  /** Those of `needs` that follow from its place in the plan. */
  readonly needsByPlace: readonly string[];
  /** What it comes after beyond its needs. */
  readonly order: readonly string[];
}

interface NeedsDifference {
  readonly needsDiffer: boolean;
  readonly orderDiffers: boolean;
}

/** Whether it needs something else than the plan says; and, of one that has not begun, whether its place asks for something else. */
export function* compareNeeds(
  context: CommandContext,
  task: Row,
  { needs, needsByPlace, order }: WantedNeeds,
): Command<NeedsDifference> {
  const edges = yield* namedEdges(context, task);
  // What is completed by now holds nothing back and is left.
  const open = edges.filter((edge) => edge.status !== "completed");
  const placeDiffers = !sameSet(keysOf(edges, "place"), needsByPlace) || !sameSet(keysOf(open, "order"), order);
  return {
    needsDiffer: !sameSet([...keysOf(edges, "needs"), ...keysOf(edges, "place")], needs),
    orderDiffers: task.execution_id === null && placeDiffers,
  };
}

/**
 * Sets what a task needs and what it comes after beyond that, by keys or ids of its session. The cycle check is the
 * caller's. Between two tasks there is one edge: what is needed by name and also a part is needed.
 */
export function* replaceNeeds(
  context: CommandContext,
  task: Row,
  { needs, needsByPlace, order }: WantedNeeds,
): Command<void> {
  const edgeSql = `select project_id, ${columnsOf(DEPENDENCIES)} from dependencies
    where project_id = ? and task_id = ? and kind in ('needs', 'place', 'order')`;
  const wanted = new Map<string, EdgeKind>();
  for (const other of order) wanted.set(yield* idOfNeed(context, task, other), "order");
  const byPlace = new Set(needsByPlace);
  for (const need of needs) wanted.set(yield* idOfNeed(context, task, need), byPlace.has(need) ? "place" : "needs");
  refuseTooManyNeeds(nameOfTask(task), wanted.size);
  for (const edge of yield* rows(edgeSql, context.projectId, text(task.id))) {
    if (wanted.get(text(edge.depends_on_id)) === edge.kind) {
      wanted.delete(text(edge.depends_on_id));
      continue;
    }
    yield* deleteRow(context, DEPENDENCIES, edge, { verb: "undepend" });
    const target = yield* taskRow(context, text(edge.depends_on_id));
    if (target.parent_id === task.id && !isRecurringRow(target)) {
      yield* insertEdge(context, { task, dependsOnId: text(target.id), kind: "part" });
    }
  }
  for (const [id, kind] of wanted) {
    if (kind !== "order") refuseRecurring(task, yield* taskRow(context, id));
    const weaker = yield* edgeRow(context, text(task.id), id);
    if (weaker !== null) yield* deleteRow(context, DEPENDENCIES, weaker, { verb: "undepend" });
    yield* insertEdge(context, { task, dependsOnId: id, kind });
  }
  yield* recountUnfinished(context, text(task.id));
}

const EDGE_SQL = `select project_id, ${columnsOf(DEPENDENCIES)} from dependencies
  where project_id = ? and task_id = ? and depends_on_id = ?`;

export function* edgeRow(context: CommandContext, taskId: string, dependsOnId: string): Command<Row | null> {
  return yield* oneRow(EDGE_SQL, context.projectId, taskId, dependsOnId);
}

export function isRecurringRow(task: Row): boolean {
  return typeof task.schedule === "string" && /"type":"(every|daily|cron)"/.test(task.schedule);
}

function refuseRecurring(task: Row, need: Row): void {
  if (!isRecurringRow(need)) return;
  throw new PerdureError("invalid-plan", {
    message: `Task ${nameOfTask(task)} needs ${JSON.stringify(nameOfTask(need))}, which recurs and so never completes`,
    hint: "Let it depend on a task that runs once, or give it the same schedule.",
    details: { task: task.id, need: need.id },
  });
}

/** Counts afresh what a task that has not ended waits for; whoever waits for it learns when that ends it. */
export function* recountUnfinished(context: CommandContext, taskId: string): Command<void> {
  const current = yield* taskRow(context, taskId);
  if (current.status !== "pending" && current.status !== "blocked") return;
  const ended = yield* recountDependencies(context, current);
  if (ended !== null) yield* settleDependents(context, [ended]);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const wanted = new Set(b);
  return a.length === wanted.size && a.every((key) => wanted.has(key));
}

/** What it needs or comes after, each with the key and state of that. */
function* namedEdges(context: CommandContext, task: Row): Command<readonly Row[]> {
  const sql = `select t.key as key, t.status as status, d.kind as kind
    from dependencies d join tasks t on t.project_id = d.project_id and t.id = d.depends_on_id
    where d.project_id = ? and d.task_id = ? and d.kind in ('needs', 'place', 'order') order by t.seq`;
  return yield* rows(sql, context.projectId, text(task.id));
}

function keysOf(edges: readonly Row[], kind: EdgeKind): readonly string[] {
  return edges.filter((edge) => edge.kind === kind).map((edge) => text(edge.key));
}

export function* idOfNeed(context: CommandContext, task: Row, need: string): Command<string> {
  const sql = "select id from tasks where project_id = ? and session_id = ? and (key = ? or id = ?) limit 1";
  const row = yield* oneRow(sql, context.projectId, text(task.session_id), need, need);
  if (row !== null) return text(row.id);
  throw new PerdureError("invalid-plan", {
    message: `Task ${nameOfTask(task)} refers to ${JSON.stringify(need)}, which is no task of this session`,
    hint: "Name a task of the same session by its id or key.",
    details: { task: task.id, missing: need },
  });
}
