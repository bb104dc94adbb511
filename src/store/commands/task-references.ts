/** What new tasks refer to: each other, and tasks that are there already. */

import { PerdureError } from "../../base/errors.ts";
import { comesAfter } from "../../domain/done-out-of-turn.ts";
import { isRecurring } from "../../domain/schedule.ts";
import type { TaskStatus } from "../../domain/task.ts";
import { isTerminalTask } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { oneRow, together } from "../command.ts";
import { text } from "../entity-rows.ts";
import type { NewTask } from "../new-task.ts";
import { recursByText } from "../schedule-column.ts";
import { columnsOf, TASKS } from "../tables.ts";

/** What the batch refers to, by ref: tasks of the batch and tasks already there. */
export interface Resolved {
  readonly idOf: ReadonlyMap<string, string>;
  readonly existing: ReadonlyMap<string, Row>;
}

/** By ref, what a task comes after beyond its needs (`done-out-of-turn.ts`). */
export type ComesAfter = ReadonlyMap<string, readonly string[]>;

/** `statusOf` says how those stand that are there already: `tasks` may have them ticked. */
export function comesAfterOf(
  tasks: readonly NewTask[],
  statusOf: (ref: string) => TaskStatus | undefined = () => undefined,
): ComesAfter {
  const done = new Set(tasks.filter((task) => isOrGetsDone(task, statusOf(task.ref))).map(({ ref }) => ref));
  const placed = tasks.map(({ ref, parent, needs, needsByPlace, schedule }) => ({
    key: ref,
    parentKey: parent,
    needs,
    needsByPlace,
    schedule,
  }));
  return comesAfter(placed, (ref) => done.has(ref));
}

function isOrGetsDone({ status }: NewTask, current: TaskStatus | undefined): boolean {
  return current === "completed" || (status === "completed" && (current === undefined || isDoneByTick(current)));
}

/** Ticking the box of one that runs or has ended changes nothing. */
export function isDoneByTick(current: TaskStatus): boolean {
  return current !== "in_progress" && !isTerminalTask(current);
}

const FIND_SQL = `select project_id, ${columnsOf(TASKS)} from tasks
  where project_id = ? and session_id = ? and (key = ? or id = ?) order by key is null limit 1`;

export function* resolveReferences(
  context: CommandContext,
  session: Row,
  tasks: readonly NewTask[],
  after: ComesAfter,
): Command<Resolved> {
  const idOf = new Map<string, string>();
  for (const task of tasks) idOf.set(task.ref, context.uuid());
  const existing = new Map<string, Row>();
  const others = new Map<string, NewTask>();
  for (const task of tasks) {
    const parent = task.parent === null ? [] : [task.parent];
    for (const reference of [...parent, ...task.needs, ...(after.get(task.ref) ?? [])])
      if (!idOf.has(reference) && !others.has(reference)) others.set(reference, task);
  }
  const sessionId = text(session.id);
  const found = yield* together(
    [...others.keys()].map((reference) => oneRow(FIND_SQL, context.projectId, sessionId, reference, reference)),
  );
  for (const [at, [reference, task]] of [...others].entries()) {
    const row = found[at] ?? null;
    if (row === null) throw missingReference(task, reference);
    idOf.set(reference, text(row.id));
    existing.set(reference, row);
  }
  yield* together(tasks.flatMap(({ key }) => (key === null ? [] : [refuseTakenKey(context, session, key)])));
  refuseNeedsThatRecur(tasks, existing);
  return { idOf, existing };
}

export function recurs(task: NewTask): boolean {
  return task.schedule !== null && isRecurring(task.schedule);
}

function missingReference(task: NewTask, reference: string): PerdureError {
  return new PerdureError("invalid-plan", {
    message: `Task ${task.key ?? task.title} refers to ${JSON.stringify(reference)}, which is no task of this session`,
    hint: "Name a task of the same plan or session by its id or key.",
    details: { task: task.ref, missing: reference },
  });
}

function* refuseTakenKey(context: CommandContext, session: Row, key: string): Command<void> {
  const sql = "select id from tasks where project_id = ? and session_id = ? and key = ?";
  const taken = yield* oneRow(sql, context.projectId, text(session.id), key);
  if (taken === null) return;
  throw new PerdureError("conflict", {
    message: `Session ${text(session.name)} has a task ${JSON.stringify(key)} already`,
    hint: "Choose another key, or change that task with `perdure task edit`.",
    details: { key, taskId: taken.id },
  });
}

function refuseNeedsThatRecur(tasks: readonly NewTask[], existing: ReadonlyMap<string, Row>): void {
  const recurring = new Set(tasks.filter((task) => recurs(task)).map((task) => task.ref));
  for (const [reference, row] of existing) {
    if (recursByText(row.schedule)) recurring.add(reference);
  }
  for (const task of tasks) {
    const need = task.needs.find((reference) => recurring.has(reference));
    if (need === undefined) continue;
    throw new PerdureError("invalid-plan", {
      message: `Task ${task.key ?? task.title} needs ${JSON.stringify(need)}, which recurs and so never completes`,
      hint: "Let it depend on a task that runs once, or give it the same schedule.",
      details: { task: task.ref, need },
    });
  }
}
