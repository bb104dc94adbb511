/** New tasks, whole or not at all: a batch with a cycle, a missing reference or a duplicate changes nothing. */

import { PerdureError } from "../../base/errors.ts";
import { findCycle, inDependencyOrder } from "../../domain/dependency-graph.ts";
import type { SessionId, TaskId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import { DEFAULT_RETRY_POLICY } from "../../domain/retry-policy.ts";
import type { Task, TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR, isTerminalTask } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, notingReady, oneRow, together } from "../command.ts";
import { fleetColumns, integer, rowToTask, text } from "../entity-rows.ts";
import type { NewTask } from "../new-task.ts";
import { scheduleToText } from "../schedule-column.ts";
import { insertRow, updateRow } from "../rows.ts";
import { DEPENDENCIES, TASKS } from "../tables.ts";
import { storeValue, withValues } from "../values.ts";
import type { EdgeKind } from "./dependencies.ts";
import {
  dependencyState,
  isSatisfied,
  recountDependencies,
  refuseCycleThrough,
  reopenDependents,
  settleDependents,
} from "./dependencies.ts";
import { presumedSession, rememberSession } from "./session-rows.ts";
import type { ComesAfter, Resolved } from "./task-references.ts";
import { comesAfterOf, recurs, resolveReferences } from "./task-references.ts";

export interface CreateTasks {
  readonly sessionId: SessionId;
  readonly tasks: readonly NewTask[];
  /** Where `tasks` are but a part of a plan: what each comes after beyond its needs. */
  readonly after?: ComesAfter;
}

/** Atomic. Refuses with `invalid-plan`, `conflict`, `not-found` or `limit-reached`, and then nothing was written. */
export const createTasks = notingReady({
  ...defineWrite("create-tasks", createInSession, createTogether),
  inserts: ({ tasks }: CreateTasks) => ({ tasks: tasks.length }),
});

function* createTogether(
  context: CommandContext,
  inputs: readonly CreateTasks[],
): Command<readonly (readonly Task[])[]> {
  const created = new Map<CreateTasks, readonly Task[]>();
  for (const [sessionId, ofSession] of Map.groupBy(inputs, (input) => input.sessionId)) {
    const own = ofSession.map(withOwnRefs);
    const tasks = own.flatMap((input) => input.tasks);
    const after = new Map(own.flatMap((input) => [...(input.after ?? comesAfterOf(input.tasks))]));
    const all = yield* createInSession(context, { sessionId, tasks, after });
    let from = 0;
    for (const input of ofSession) {
      created.set(input, all.slice(from, from + input.tasks.length));
      from += input.tasks.length;
    }
  }
  return inputs.map((input) => created.get(input) ?? []);
}

function* createInSession(context: CommandContext, input: CreateTasks): Command<readonly Task[]> {
  const session = yield* presumedSession(context, input.sessionId);
  if (session.unfinished !== null) {
    refuseOverLimit(session, integer(session.unfinished), input.tasks);
    if (integer(session.unfinished) + input.tasks.length < integer(session.max_unfinished))
      rememberSession(context, session);
  }
  return yield* insertBeyondLimit(context, session, input);
}

/** A call with refs that mean nothing in another. */
function withOwnRefs({ sessionId, tasks, after }: CreateTasks, at: number): CreateTasks {
  const refs = new Set(tasks.map(({ ref }) => ref));
  const own = (reference: string): string => (refs.has(reference) ? `${at}:${reference}` : reference);
  const ownTasks = tasks.map((task) => ({
    ...task,
    ref: own(task.ref),
    parent: task.parent === null ? null : own(task.parent),
    needs: task.needs.map(own),
    needsByPlace: task.needsByPlace.map(own),
  }));
  if (after === undefined) return { sessionId, tasks: ownTasks };
  return { sessionId, tasks: ownTasks, after: new Map([...after].map(([ref, others]) => [own(ref), others.map(own)])) };
}

interface Edge {
  readonly to: string;
  readonly kind: EdgeKind;
}

interface Insertion extends Pick<CreateTasks, "tasks" | "after"> {
  readonly mayCircle?: boolean;
}

export function* insertTasks(
  context: CommandContext,
  session: Row,
  tasks: readonly NewTask[],
): Command<readonly Task[]> {
  refuseOverLimit(session, yield* loadOf(context, text(session.id)), tasks);
  return yield* insertBeyondLimit(context, session, { tasks });
}

/**
 * The same, leaving it to the caller to see in the end that the session holds no more than it may (`refuseOverLoad`).
 * `after` is given where `tasks` are but a part of a plan, and `mayCircle` where edges of others are yet to change: then
 * the caller looks in the end that no group waits for itself.
 */
export function* insertBeyondLimit(
  context: CommandContext,
  session: Row,
  { tasks, after = comesAfterOf(tasks), mayCircle = false }: Insertion,
): Command<readonly Task[]> {
  refuseDuplicates(tasks);
  const resolved = yield* resolveReferences(context, session, tasks, after);
  const edges = edgesOf(tasks, resolved, after);
  refuseCycle(tasks, edges);

  const byRef = new Map(tasks.map((task) => [task.ref, task]));
  const statusOf = new Map<string, TaskStatus>();
  for (const [ref, row] of resolved.existing) statusOf.set(ref, text(row.status) as TaskStatus);
  const order = inDependencyOrder([...byRef.keys()], (ref) => (edges.get(ref) ?? []).map((edge) => edge.to));
  const initial = new Map<string, InitialState>();
  for (const ref of order) {
    const task = byRef.get(ref);
    if (task === undefined) continue;
    const state = initialState(task, edges.get(ref) ?? [], statusOf, context.now);
    initial.set(ref, state);
    statusOf.set(ref, state.status);
  }

  const ordered = tasks.flatMap((task) => {
    const state = initial.get(task.ref);
    return state === undefined ? [] : [{ task, state, resolved }];
  });
  const created = yield* together(ordered.map((each) => insertTask(context, session, each)));
  yield* together(
    tasks.flatMap((task) =>
      (edges.get(task.ref) ?? []).map((edge) => insertNewEdge(context, session, { task, edge, resolved })),
    ),
  );
  const looksForCircle = !mayCircle && tasks.some((task) => refersTo(resolved.existing, task, after));
  for (const parent of new Set(tasks.map((task) => task.parent))) {
    const row = parent === null ? undefined : resolved.existing.get(parent);
    if (row?.executor === GROUP_EXECUTOR)
      yield* addPartsToGroup(context, row, { tasks, parent, resolved, looksForCircle });
  }
  return created;
}

function refuseDuplicates(tasks: readonly NewTask[]): void {
  const refs = new Set<string>();
  const keys = new Set<string>();
  for (const task of tasks) {
    if (refs.has(task.ref)) throw duplicate(task.ref);
    refs.add(task.ref);
    if (task.key === null) continue;
    if (keys.has(task.key)) throw duplicate(task.key);
    keys.add(task.key);
  }
}

function duplicate(id: string): PerdureError {
  return new PerdureError("invalid-plan", {
    message: `Two tasks have the id ${JSON.stringify(id)}`,
    hint: "Give every task of a plan an id of its own.",
    details: { id },
  });
}

function refuseOverLimit(session: Row, unfinished: number, tasks: readonly NewTask[]): void {
  const added = tasks.filter((task) => task.status === "pending").length;
  refuseGrowth(session, unfinished, added);
}

/** How many unfinished tasks a session holds. */
export function* loadOf(context: CommandContext, sessionId: SessionId | string): Command<number> {
  const sql = "select unfinished from session_loads where project_id = ? and session_id = ?";
  return integer((yield* oneRow(sql, context.projectId, sessionId))?.unfinished ?? 0);
}

/** One that holds too many already may still hold fewer, or others. */
export function* refuseOverLoad(context: CommandContext, session: Row, before: number): Command<void> {
  const added = (yield* loadOf(context, text(session.id))) - before;
  if (added > 0) refuseGrowth(session, before, added);
}

function refuseGrowth(session: Row, unfinished: number, added: number): void {
  const limit = integer(session.max_unfinished);
  if (unfinished + added <= limit) return;
  throw new PerdureError("limit-reached", {
    message: `Session ${text(session.name)} may hold ${limit} unfinished tasks; it holds ${unfinished} and ${added} more were submitted`,
    hint: "Finish or cancel tasks first, split the plan, or raise limits.unfinished_tasks in perdure.yaml.",
    details: { limit, unfinished, added },
  });
}

/** What each new task waits for: what it needs or comes after, and every other new task below it that does not recur. */
function edgesOf(
  tasks: readonly NewTask[],
  resolved: Resolved,
  after: ComesAfter,
): ReadonlyMap<string, readonly Edge[]> {
  const edges = new Map(tasks.map((task) => [task.ref, ownEdges(task, resolved, after.get(task.ref) ?? [])]));
  for (const task of tasks) {
    const parentEdges = task.parent === null || recurs(task) ? undefined : edges.get(task.parent);
    if (parentEdges?.some((edge) => edge.to === task.ref) === false) parentEdges.push({ to: task.ref, kind: "part" });
  }
  return edges;
}

function ownEdges(task: NewTask, resolved: Resolved, order: readonly string[]): Edge[] {
  const needs = [...new Map(task.needs.map((need) => [resolved.idOf.get(need), need])).values()];
  refuseTooManyNeeds(task.key ?? task.title, needs.length + order.length);
  const byPlace = new Set(task.needsByPlace);
  return [
    ...needs.map((to): Edge => ({ to, kind: byPlace.has(to) ? "place" : "needs" })),
    ...order.map((to): Edge => ({ to, kind: "order" })),
  ];
}

export function refuseTooManyNeeds(name: string, needCount: number): void {
  if (needCount <= LIMITS.dependenciesPerTask) return;
  throw new PerdureError("limit-reached", {
    message: `Task ${name} depends on ${needCount} tasks; at most ${LIMITS.dependenciesPerTask} are allowed`,
    hint: "Gather them under a parent task and depend on that.",
  });
}

function refuseCycle(tasks: readonly NewTask[], edges: ReadonlyMap<string, readonly Edge[]>): void {
  const cycle = findCycle(
    tasks.map((task) => task.ref),
    (ref) => (edges.get(ref) ?? []).map((edge) => edge.to),
  );
  if (cycle === null) return;
  throw new PerdureError("invalid-plan", {
    message: `The tasks wait for each other in a circle: ${cycle.join(" → ")}`,
    hint: "Remove one of these dependencies. A parent waits for the tasks below it.",
    details: { cycle },
  });
}

interface InitialState {
  readonly status: TaskStatus;
  readonly blocked_reason: string | null;
  readonly blocked_note: string | null;
  readonly waiting_on: number;
  readonly completed_at: number | null;
}

function initialState(
  task: NewTask,
  edges: readonly Edge[],
  statusOf: ReadonlyMap<string, TaskStatus>,
  now: number,
): InitialState {
  if (task.status !== "pending") {
    return {
      status: task.status,
      blocked_reason: null,
      blocked_note: null,
      waiting_on: 0,
      completed_at: task.completedAt ?? now,
    };
  }
  const waiting = edges.filter(
    (edge) => !isSatisfied(edge.kind, statusOf.get(edge.to) ?? "pending", task.onDependencyFailure),
  );
  const failed = waiting.find((edge) => ["failed", "cancelled"].includes(statusOf.get(edge.to) ?? ""));
  const state = dependencyState({
    waitingOn: waiting.length,
    failedNote: failed === undefined ? null : `${failed.to} did not complete`,
  });
  const isDoneGroup = task.executor === GROUP_EXECUTOR && waiting.length === 0;
  return isDoneGroup ? { ...state, status: "completed", completed_at: now } : { ...state, completed_at: null };
}

function* insertTask(
  context: CommandContext,
  session: Row,
  { task, state, resolved }: { readonly task: NewTask; readonly state: InitialState; readonly resolved: Resolved },
): Command<Task> {
  const name = task.key ?? task.title;
  const values = {
    id: resolved.idOf.get(task.ref) ?? context.uuid(),
    session_id: text(session.id),
    parent_id: task.parent === null ? null : (resolved.idOf.get(task.parent) ?? null),
    key: task.key,
    title: task.title,
    description: task.description,
    executor: task.executor,
    input: yield* storeValue(task.input, `The input of task ${name}`),
    kind: task.kind,
    priority: task.priority,
    weight: task.weight,
    on_dependency_failure: task.onDependencyFailure,
    context: yield* storeValue(task.context, `The context of task ${name}`),
    max_retries: task.maxRetries,
    retry: retryText(task),
    timeout_ms: task.timeoutMs,
    schedule: scheduleToText(task.schedule),
    overlap: task.overlap,
    catch_up: task.catchUp,
    scheduled_for: task.scheduledFor,
    run_at: task.runAt ?? context.now,
    execution_id: null,
    source: task.source === null ? null : JSON.stringify(task.source),
    created_at: context.now,
    updated_at: context.now,
    started_at: null,
    held: session.status === "active" ? 0 : 1,
    ...fleetColumns(task),
    ...state,
  };
  const row = yield* insertRow(context, TASKS, values, { verb: "create" });
  return rowToTask(yield* withValues({ ...row, project_id: context.projectId }, ["input", "context"]));
}

/** The default is not written out, so that it stays the default. */
export function retryText(task: NewTask): string | null {
  return task.retry === DEFAULT_RETRY_POLICY ? null : JSON.stringify(task.retry);
}

function* insertNewEdge(
  context: CommandContext,
  session: Row,
  { task, edge, resolved }: { readonly task: NewTask; readonly edge: Edge; readonly resolved: Resolved },
): Command<void> {
  const values = {
    task_id: resolved.idOf.get(task.ref) ?? "",
    depends_on_id: resolved.idOf.get(edge.to) ?? "",
    session_id: text(session.id),
    kind: edge.kind,
  };
  yield* insertRow(context, DEPENDENCIES, values, { verb: "depend" });
}

function refersTo(existing: Resolved["existing"], { ref, needs }: NewTask, after: ComesAfter): boolean {
  return [...needs, ...(after.get(ref) ?? [])].some((other) => existing.has(other));
}

interface NewParts {
  readonly tasks: readonly NewTask[];
  readonly parent: string | null;
  readonly resolved: Resolved;
  readonly looksForCircle: boolean;
}

/** A group that was there before waits for its new parts too, even when it had completed. */
function* addPartsToGroup(
  context: CommandContext,
  group: Row,
  { tasks, parent, resolved, looksForCircle }: NewParts,
): Command<void> {
  const parts = tasks.filter((task) => task.parent === parent && !recurs(task));
  for (const part of parts) {
    yield* insertEdge(context, { task: group, dependsOnId: resolved.idOf.get(part.ref) ?? "", kind: "part" });
  }
  if (parts.length > 0 && looksForCircle) yield* refuseCycleThrough(context, group);
  if (parts.some((part) => part.status === "pending")) yield* waitForParts(context, group);
}

/** A task with a new part waits for it, even when it had ended; unless the part is done already. */
export function* waitForParts(context: CommandContext, group: Row): Command<void> {
  const opened = yield* updateRow(context, TASKS, group, {
    verb: "reopen",
    patch: {
      status: "blocked",
      blocked_reason: "dependencies",
      blocked_note: null,
      completed_at: null,
      updated_at: context.now,
    },
  });
  if (isTerminalTask(text(group.status) as TaskStatus)) yield* reopenDependents(context, text(group.id));
  const ended = yield* recountDependencies(context, opened);
  if (ended !== null) yield* settleDependents(context, [ended]);
}

/** Adds an edge between tasks already there. Their cycle check is the caller's. */
export function* insertEdge(
  context: CommandContext,
  edge: { readonly task: Row; readonly dependsOnId: TaskId | string; readonly kind: EdgeKind },
): Command<void> {
  const values = {
    task_id: text(edge.task.id),
    depends_on_id: edge.dependsOnId,
    session_id: text(edge.task.session_id),
    kind: edge.kind,
  };
  yield* insertRow(context, DEPENDENCIES, values, { verb: "depend" });
}
