/**
 * Who waits for whom (INV-4). `tasks.waiting_on` counts what a task still waits for; when it reaches zero the task is
 * released. Other commands call these inside their own transaction.
 *
 * An edge is `needs` (said by the plan), `place` (needed as well, but only for where the task stands in the plan), `order`
 * (what comes between them in the plan was done before its turn), `part` (a parent waits for a task below it) or `child` (a
 * running task waits for one it created).
 */

import { PerdureError } from "../../base/errors.ts";
import type { DependencyFailurePolicy, TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR, isTerminalTask } from "../../domain/task.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { oneRow, rows, together } from "../command.ts";
import { text } from "../entity-rows.ts";
import { updateRow } from "../rows.ts";
import { columnsOf, EXECUTIONS, TASKS } from "../tables.ts";

export type EdgeKind = "needs" | "place" | "order" | "part" | "child";
type EndStatus = Extract<TaskStatus, "completed" | "failed" | "cancelled">;

/** A task that has just ended, and what messages call it. */
export interface Ended {
  readonly id: string;
  readonly status: EndStatus;
  /** What it was before when that was an end too, as with a failed task that is cancelled: nobody is let through twice. */
  readonly previous?: TaskStatus;
  readonly name: string;
  /** Those that depend on it, as they are, where they were read along with it. */
  readonly dependents?: readonly Row[];
}

/** Whether an edge to a task with `status` no longer holds back the task at its other end. */
export function isSatisfied(edge: EdgeKind, status: TaskStatus, policy: DependencyFailurePolicy): boolean {
  if (status === "completed") return true;
  if (!isTerminalTask(status)) return false;
  if (edge === "child") return true;
  if (edge === "part") return status === "cancelled" || policy === "run";
  return policy === "run";
}

const DEPENDENTS_SQL = `select d.kind as edge, t.project_id as project_id, ${columnsOf(TASKS, "t")}
  from dependencies d join tasks t on t.project_id = d.project_id and t.id = d.task_id
  where d.project_id = ? and d.depends_on_id = ?`;

const DEPENDENTS_OF_EXECUTION_SQL = `select d.kind as edge, t.project_id as project_id, ${columnsOf(TASKS, "t")}
  from executions e join dependencies d on d.project_id = e.project_id and d.depends_on_id = e.task_id
  join tasks t on t.project_id = d.project_id and t.id = d.task_id where e.project_id = ? and e.id = ?`;

/** Those that depend on the task of an execution. */
export function* dependentsOfExecution(context: CommandContext, executionId: string): Command<readonly Row[]> {
  return yield* rows(DEPENDENTS_OF_EXECUTION_SQL, context.projectId, executionId);
}

/**
 * Tells the dependents of tasks that have just ended: those with nothing left to wait for become pending (a group
 * completes), those with a failed dependency follow their policy, and so on for whatever ends by that.
 */
export function* settleDependents(context: CommandContext, ended: readonly Ended[]): Command<void> {
  const later: Ended[] = [];
  const settled = new Set<SqlValue | undefined>();
  const found = yield* together(ended.map((end) => dependentsOf(context, end)));
  for (const [at, end] of ended.entries()) {
    let dependents = found[at] ?? [];
    // One that waits for several of them has changed since it was read.
    if (dependents.some(({ id }) => settled.has(id)))
      dependents = yield* rows(DEPENDENTS_SQL, context.projectId, end.id);
    for (const { id } of dependents) settled.add(id);
    later.push(...(yield* settleEach(context, end, dependents)));
  }
  for (let end = later.shift(); end !== undefined; end = later.shift()) {
    later.push(...(yield* settleEach(context, end, yield* rows(DEPENDENTS_SQL, context.projectId, end.id))));
  }
}

function* dependentsOf(context: CommandContext, { id, dependents }: Ended): Command<readonly Row[]> {
  return dependents ?? (yield* rows(DEPENDENTS_SQL, context.projectId, id));
}

/** Tells each dependent. Returns those that ended by that. */
function* settleEach(context: CommandContext, end: Ended, dependents: readonly Row[]): Command<readonly Ended[]> {
  const endedToo: Ended[] = [];
  for (const dependent of dependents) {
    if (dependent.status !== "blocked" || Number(dependent.waiting_on) === 0) continue;
    const edge = text(dependent.edge) as EdgeKind;
    const policy = text(dependent.on_dependency_failure) as DependencyFailurePolicy;
    if (end.previous !== undefined && isSatisfied(edge, end.previous, policy)) continue;
    const next = isSatisfied(edge, end.status, policy)
      ? yield* countDown(context, dependent)
      : yield* applyFailurePolicy(context, dependent, { policy, failed: end });
    if (next !== null) endedToo.push(next);
  }
  return endedToo;
}

/** One dependency less to wait for. Returns the task when it ended by that: a group whose last part is done. */
function* countDown(context: CommandContext, task: Row): Command<Ended | null> {
  const waitingOn = Number(task.waiting_on) - 1;
  if (waitingOn > 0) {
    yield* updateRow(context, TASKS, task, {
      verb: "dependency_done",
      patch: { waiting_on: waitingOn, updated_at: context.now },
    });
    return null;
  }
  return yield* release(context, task);
}

/** Nothing is left to wait for: a group is complete, anything else is ready. */
function* release(context: CommandContext, task: Row): Command<Ended | null> {
  const base = { waiting_on: 0, blocked_reason: null, blocked_note: null, updated_at: context.now };
  if (task.executor === GROUP_EXECUTOR) {
    yield* updateRow(context, TASKS, task, {
      verb: "complete",
      patch: { ...base, status: "completed", completed_at: context.now },
    });
    return { id: text(task.id), status: "completed", name: nameOfTask(task) };
  }
  // A suspended task that waits for its children beside something else goes on at whichever comes first.
  const isWaitOver = task.blocked_reason === "waiting" && Number(task.waiting_on) > 0;
  const wake = isWaitOver ? { run_at: context.now } : {};
  const isReleased = isWaitOver || isBlockedByDependencies(task);
  const patch = isReleased ? { ...base, ...wake, status: "pending" } : { waiting_on: 0, updated_at: context.now };
  yield* updateRow(context, TASKS, task, { verb: "unblock", patch });
  return null;
}

function isBlockedByDependencies(task: Row): boolean {
  return (
    task.status === "blocked" && (task.blocked_reason === "dependencies" || task.blocked_reason === "dependency_failed")
  );
}

function* applyFailurePolicy(
  context: CommandContext,
  task: Row,
  { policy, failed }: { readonly policy: DependencyFailurePolicy; readonly failed: Ended },
): Command<Ended | null> {
  const note = `${failed.name} ${failed.status === "failed" ? "failed" : "was cancelled"}`;
  if (policy === "cancel") {
    yield* endSuspended(context, task, note);
    yield* updateRow(context, TASKS, task, {
      verb: "cancel",
      note,
      patch: {
        status: "cancelled",
        blocked_reason: null,
        blocked_note: note,
        updated_at: context.now,
        completed_at: context.now,
      },
    });
    return { id: text(task.id), status: "cancelled", name: nameOfTask(task) };
  }
  if (task.blocked_reason !== "dependencies") return null;
  yield* updateRow(context, TASKS, task, {
    verb: "block",
    note,
    patch: { blocked_reason: "dependency_failed", blocked_note: note, updated_at: context.now },
  });
  return null;
}

/** The execution of a task that had begun before it got the dependency: nothing goes on with it. */
function* endSuspended(context: CommandContext, task: Row, note: string): Command<void> {
  if (task.execution_id === null) return;
  const sql = `select project_id, ${columnsOf(EXECUTIONS)} from executions
    where project_id = ? and id = ? and status in ('suspended', 'interrupted')`;
  const execution = yield* oneRow(sql, context.projectId, text(task.execution_id));
  if (execution === null) return;
  const error = JSON.stringify({ code: "cancelled", message: note });
  yield* updateRow(context, EXECUTIONS, execution, {
    verb: "cancel",
    note,
    patch: { status: "failed", error, updated_at: context.now, ended_at: context.now },
  });
}

/** A task that had ended is open again, by its row: whoever has not begun by now counts anew, complete groups open too. */
export function* reopenDependents(context: CommandContext, taskId: string): Command<void> {
  const queue = [taskId];
  for (let reopened = queue.shift(); reopened !== undefined; reopened = queue.shift()) {
    for (const dependent of yield* rows(DEPENDENTS_SQL, context.projectId, reopened)) {
      const { status } = dependent;
      const stillWaits = status === "blocked" && Number(dependent.waiting_on) > 0;
      const hasNotBegun = status === "pending" && dependent.execution_id === null;
      if (stillWaits || hasNotBegun) yield* recountDependencies(context, dependent);
      if (status !== "completed" || dependent.executor !== GROUP_EXECUTOR) continue;
      const blocked = { status: "blocked", blocked_reason: "dependencies", waiting_on: 1, completed_at: null };
      yield* updateRow(context, TASKS, dependent, {
        verb: "reopen",
        patch: { ...blocked, updated_at: context.now },
      });
      queue.push(text(dependent.id));
    }
  }
}

const EDGES_SQL = `select d.kind as edge, t.id as id, t.status as status, t.key as key, t.title as title
  from dependencies d join tasks t on t.project_id = d.project_id and t.id = d.depends_on_id
  where d.project_id = ? and d.task_id = ? order by t.seq`;

export interface DependencyCount {
  readonly waitingOn: number;
  /** Names what failed, where the policy is to block on that. */
  readonly failedNote: string | null;
}

export function* countDependencies(
  context: CommandContext,
  task: Row,
  { withChildren }: { readonly withChildren: boolean },
): Command<DependencyCount> {
  const policy = text(task.on_dependency_failure) as DependencyFailurePolicy;
  let waitingOn = 0;
  let failedNote: string | null = null;
  for (const edge of yield* rows(EDGES_SQL, context.projectId, text(task.id))) {
    const status = text(edge.status) as TaskStatus;
    if (edge.edge === "child" && !withChildren) continue;
    if (isSatisfied(text(edge.edge) as EdgeKind, status, policy)) continue;
    waitingOn += 1;
    if (isTerminalTask(status))
      failedNote ??= `${nameOfTask(edge)} ${status === "failed" ? "failed" : "was cancelled"}`;
  }
  return { waitingOn, failedNote };
}

/** What holds a task back by the edges there are: tasks it needs or comes after, its parts, the children it waits for. */
export function* heldBackByTasks(context: CommandContext, task: Row): Command<readonly Row[]> {
  const policy = text(task.on_dependency_failure) as DependencyFailurePolicy;
  const edges = yield* rows(EDGES_SQL, context.projectId, text(task.id));
  return edges.filter(({ edge, status }) => !isSatisfied(text(edge) as EdgeKind, text(status) as TaskStatus, policy));
}

/**
 * Counts afresh what an unfinished task waits for and sets its state by it. Returns it when it ended by that. A task
 * blocked for another reason stays so.
 */
export function* recountDependencies(context: CommandContext, task: Row): Command<Ended | null> {
  const count = yield* countDependencies(context, task, { withChildren: true });
  if (count.waitingOn === 0) {
    const isReady = task.status === "pending" && task.executor !== GROUP_EXECUTOR;
    return isReady ? null : yield* release(context, task);
  }
  const isBlockedOtherwise = task.status === "blocked" && !isBlockedByDependencies(task);
  const state = isBlockedOtherwise ? { waiting_on: count.waitingOn } : dependencyState(count);
  yield* updateRow(context, TASKS, task, { verb: "block", patch: { ...state, updated_at: context.now } });
  return null;
}

/** Looks whether a task waits for itself, by the edges there are now; throwing undoes what added them. */
export function* refuseCycleThrough(context: CommandContext, task: Row): Command<void> {
  const sql = `with recursive reached(id) as (
      select depends_on_id from dependencies where project_id = ? and task_id = ?
      union
      select d.depends_on_id from dependencies d join reached r on d.task_id = r.id where d.project_id = ?
    ) select id from reached where id = ? limit 1`;
  const cycle = yield* oneRow(sql, context.projectId, text(task.id), context.projectId, text(task.id));
  if (cycle === null) return;
  throw new PerdureError("invalid-plan", {
    message: `With these dependencies task ${nameOfTask(task)} would wait for itself`,
    hint: "Leave out the one that leads back to it. A parent waits for the tasks below it.",
    details: { taskId: task.id },
  });
}

/** The columns of an unfinished task that waits for that much. */
export function dependencyState({ waitingOn, failedNote }: DependencyCount): {
  readonly status: TaskStatus;
  readonly blocked_reason: string | null;
  readonly blocked_note: string | null;
  readonly waiting_on: number;
} {
  if (waitingOn === 0) return { status: "pending", blocked_reason: null, blocked_note: null, waiting_on: 0 };
  const blockedReason = failedNote === null ? "dependencies" : "dependency_failed";
  return { status: "blocked", blocked_reason: blockedReason, blocked_note: failedNote, waiting_on: waitingOn };
}

/** How messages name a task: its key, else the beginning of its title. */
export function nameOfTask(row: Row): string {
  if (row.key !== null && row.key !== undefined) return text(row.key);
  const title = text(row.title);
  return title.length > 60 ? `${title.slice(0, 57)}…` : title;
}
