/** Reading tasks and executions: by what people type, one whole, or page by page. */

import { PerdureError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { Execution } from "../../domain/execution.ts";
import type { ExecutionId, SessionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { executionProgress, weightedProgress } from "../../domain/progress-rules.ts";
import type { ReportedProgress } from "../../domain/progress.ts";
import type { Task, TaskDetail, TaskError, TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { defineRead, oneOf, oneRow, rows } from "../command.ts";
import { integer, rowToExecution, rowToTask, text, textOrNull } from "../entity-rows.ts";
import { columnsOf, EXECUTIONS, TASKS } from "../tables.ts";
import { loadValue, withValues } from "../values.ts";
import type { EdgeKind } from "./dependencies.ts";
import { executionRow, taskRow } from "./task-rows.ts";

export interface Reference {
  /** An id, the beginning of one, or a task's key. */
  readonly reference: string;
  /** Where a key is looked for first; elsewhere the newest session that has it. */
  readonly sessionId: SessionId | null;
}

/** @throws PerdureError `not-found`; `invalid-input` when the beginning of an id fits several. */
export const resolveTask = defineRead("resolve-task", function* (context, input: Reference): Command<TaskId> {
  const whole = yield* findWhole(context, "tasks", input.reference);
  if (whole !== null) return asId(whole);
  const byKey = yield* oneRow(
    `select t.id as id from tasks t where t.project_id = ? and t.key = ?
      order by t.session_id = ? desc, t.seq desc limit 1`,
    context.projectId,
    input.reference,
    input.sessionId,
  );
  if (byKey !== null) return asId(text(byKey.id));
  return asId(
    yield* resolvePrefix(context, { table: "tasks", noun: "task", label: "title", reference: input.reference }),
  );
});

export const resolveExecution = defineRead(
  "resolve-execution",
  function* (context, input: { readonly reference: string }): Command<ExecutionId> {
    return asId(
      yield* resolvePrefix(context, {
        table: "executions",
        noun: "execution",
        label: "kind",
        reference: input.reference,
      }),
    );
  },
);

export interface SessionReference {
  readonly reference: string;
  /** Refuse a name that several have, instead of taking the newest. Default `false`. */
  readonly isOnly?: boolean;
}

/** By id, the beginning of one, or its name (the newest of that name). */
export const resolveSession = defineRead(
  "resolve-session",
  function* (context, { reference, isOnly = false }: SessionReference): Command<SessionId> {
    const whole = yield* findWhole(context, "sessions", reference);
    if (whole !== null) return asId(whole);
    const sql = "select id, name as label from sessions where project_id = ? and name = ? order by seq desc limit ?";
    const [newest, ...others] = yield* rows(sql, context.projectId, reference, isOnly ? MOST_CANDIDATES : 1);
    if (newest !== undefined && others.length > 0) throw several("session", reference, [newest, ...others]);
    if (newest !== undefined) return asId(text(newest.id));
    return asId(yield* resolvePrefix(context, { table: "sessions", noun: "session", label: "name", reference }));
  },
);

/** What is named by its whole id, before anything else: whoever calls his own thing by that id gets nothing by it (INV-7). */
export function* findWhole(
  context: CommandContext,
  table: PrefixSearch["table"],
  reference: string,
): Command<string | null> {
  if (!/^[0-9a-f-]{36}$/.test(reference)) return null;
  const row = yield* oneRow(`select id from ${table} where project_id = ? and id = ?`, context.projectId, reference);
  return row === null ? null : text(row.id);
}

interface PrefixSearch {
  readonly table: "tasks" | "executions" | "sessions" | "checkpoints";
  readonly noun: string;
  readonly label: string;
  readonly reference: string;
}

/** Named when something could be several. */
const MOST_CANDIDATES = 6;

function several(noun: string, reference: string, found: readonly Row[]): PerdureError {
  const candidates = found.map((row) => `${text(row.id).slice(0, 13)} (${text(row.label)})`).join(", ");
  return new PerdureError("invalid-input", {
    message: `${JSON.stringify(reference)} could be several ${noun}s: ${candidates}`,
    hint: "Type more of the id.",
    details: { reference, candidates: found.map((row) => row.id) },
  });
}

export function* resolvePrefix(
  context: CommandContext,
  { table, noun, label, reference }: PrefixSearch,
): Command<string> {
  const found = /^[0-9a-f-]{1,36}$/.test(reference)
    ? yield* rows(
        `select id, ${label} as label from ${table} where project_id = ? and id >= ? and id < ? limit ?`,
        context.projectId,
        reference,
        `${reference}~`,
        MOST_CANDIDATES,
      )
    : [];
  const [only] = found;
  if (only !== undefined && (found.length === 1 || only.id === reference)) return text(only.id);
  if (found.length > 1) throw several(noun, reference, found);
  throw new PerdureError("not-found", {
    message: `There is no ${noun} ${JSON.stringify(reference)}`,
    hint: `\`perdure ${noun} list\` shows the ${noun}s there are.`,
    details: { reference },
  });
}

export const getTask = defineRead(
  "get-task",
  function* (context, input: { readonly taskId: TaskId }): Command<TaskDetail> {
    return yield* taskDetail(context, yield* taskRow(context, input.taskId));
  },
);

export const getExecution = defineRead(
  "get-execution",
  function* (context, input: { readonly executionId: ExecutionId }): Command<Execution> {
    return rowToExecution(yield* withValues(yield* executionRow(context, input.executionId), ["result"]));
  },
);

export interface ResultOfNeed {
  readonly taskId: TaskId;
  /** Key or id of a task it needs. */
  readonly need: string;
}

/** What a task that `taskId` needs resulted in. @throws PerdureError `not-found` */
export const getResultOfNeed = defineRead(
  "get-result-of-need",
  function* (context, input: ResultOfNeed): Command<Json> {
    const need = yield* oneRow(
      `select e.result as result from dependencies d
      join tasks t on t.project_id = d.project_id and t.id = d.depends_on_id
      left join executions e on e.project_id = t.project_id and e.id = t.execution_id
      where d.project_id = ? and d.task_id = ? and (t.key = ? or t.id = ?)`,
      context.projectId,
      input.taskId,
      input.need,
      input.need,
    );
    if (need !== null) return yield* loadValue(need.result, `The result of task ${input.need}`);
    throw new PerdureError("not-found", {
      message: `Task ${input.taskId} does not need a task ${JSON.stringify(input.need)}`,
      hint: "Name it under needs: in the plan, so that it has completed by then.",
      details: { taskId: input.taskId, need: input.need },
    });
  },
);

/** A task with what other tables say of it. */
export function* taskDetail(context: CommandContext, row: Row): Command<TaskDetail> {
  const task = rowToTask(yield* withValues(row, ["input", "context"]));
  const edges = yield* rows(
    "select depends_on_id as id, kind from dependencies where project_id = ? and task_id = ? and kind in ('needs', 'place', 'order')",
    context.projectId,
    task.id,
  );
  const artifacts = yield* rows(
    "select name from artifacts where project_id = ? and task_id = ? order by seq",
    context.projectId,
    task.id,
  );
  const execution = task.executionId === null ? null : yield* executionRow(context, task.executionId);
  return {
    ...task,
    dependencies: targetsOf(edges.filter(({ kind }) => kind !== "order")),
    comesAfter: targetsOf(edges.filter(({ kind }) => kind === "order")),
    artifacts: artifacts.map((artifact) => text(artifact.name)),
    progress: yield* taskProgress(context, task, execution),
    result: yield* loadValue(execution?.result, "a task's result"),
    lastError: (yield* loadValue(execution?.error, "a task's error")) as unknown as TaskError | null,
    retryCount: integer(execution?.retry_count ?? 0),
  };
}

function targetsOf(edges: readonly Row[]): readonly TaskId[] {
  return edges.map((edge) => asId<TaskId>(text(edge.id)));
}

function* taskProgress(context: CommandContext, task: Task, execution: Row | null): Command<TaskDetail["progress"]> {
  const reported = (yield* loadValue(execution?.progress, "progress")) as unknown as ReportedProgress | null;
  const progress = executionProgress({
    status: task.status,
    reported,
    completedSteps:
      reported?.totalSteps === null || reported === null ? 0 : yield* countCompletedSteps(context, text(execution?.id)),
    startedAt: task.startedAt,
    endedAt: task.completedAt,
    lastUpdatedAt: execution === null ? null : integer(execution.updated_at),
    historyMs: task.status === "in_progress" ? yield* recentDurations(context, task.kind) : [],
    now: context.now,
  });
  const isParent = task.executor === GROUP_EXECUTOR && task.status !== "completed";
  return isParent ? { ...progress, percent: yield* percentOfParts(context, task.id) } : progress;
}

export function* countCompletedSteps(context: CommandContext, executionId: string): Command<number> {
  const sql = "select count(*) as n from steps where project_id = ? and execution_id = ? and status = 'completed'";
  return integer((yield* oneRow(sql, context.projectId, executionId))?.n);
}

/** Durations of the newest completed executions of a kind, in milliseconds. */
export function* recentDurations(context: CommandContext, kind: string): Command<readonly number[]> {
  const sql = `select ended_at - started_at as duration from executions
    where project_id = ? and kind = ? and status = 'completed' order by seq desc limit 20`;
  return (yield* rows(sql, context.projectId, kind)).map((row) => integer(row.duration));
}

function* percentOfParts(context: CommandContext, taskId: string): Command<number> {
  const sql = `with recursive below(id, executor, status, weight) as (
      select id, executor, status, weight from tasks where project_id = ? and parent_id = ?
      union all
      select t.id, t.executor, t.status, t.weight from tasks t join below b on t.parent_id = b.id where t.project_id = ?
    ) select status, weight from below where executor <> '${GROUP_EXECUTOR}'`;
  const parts = yield* rows(sql, context.projectId, taskId, context.projectId);
  return weightedProgress(parts.map(toWeighted));
}

function toWeighted(row: Row): { readonly weight: number; readonly fraction: number; readonly countsIn: boolean } {
  return {
    weight: integer(row.weight),
    fraction: row.status === "completed" ? 1 : 0,
    countsIn: row.status !== "cancelled",
  };
}

export interface ListTasks {
  readonly sessionId: SessionId | null;
  readonly statuses: readonly TaskStatus[] | null;
  readonly minPriority: number | null;
  readonly parentId: TaskId | null;
  /** In title, description or key, whatever the case. */
  readonly search: string | null;
  readonly after: number | null;
  readonly limit: number;
}

export interface TaskPage {
  readonly tasks: readonly TaskDetail[];
  /** To pass as `after` for the next page; `null` on the last. */
  readonly next: number | null;
}

/** In order of creation. */
export const listTasks = defineRead("list-tasks", function* (context, input: ListTasks): Command<TaskPage> {
  const { where, params } = filterOf(context, input);
  const sql = `select project_id, ${columnsOf(TASKS)} from tasks where ${where} order by seq limit ?`;
  const found = yield* rows(sql, ...params, input.limit + 1);
  const page = found.slice(0, input.limit);
  const tasks: TaskDetail[] = [];
  for (const row of page) tasks.push(yield* taskDetail(context, row));
  return { tasks, next: found.length > input.limit ? integer(page.at(-1)?.seq) : null };
});

function filterOf(
  context: CommandContext,
  input: ListTasks,
): { readonly where: string; readonly params: readonly SqlValue[] } {
  const where = ["project_id = ?", "seq > ?"];
  const params: SqlValue[] = [context.projectId, input.after ?? 0];
  const add = (condition: string, ...values: readonly SqlValue[]): void => {
    where.push(condition);
    params.push(...values);
  };
  if (input.sessionId !== null) add("session_id = ?", input.sessionId);
  if (input.statuses !== null) add(oneOf("status", input.statuses), ...input.statuses);
  if (input.minPriority !== null) add("priority >= ?", input.minPriority);
  if (input.parentId !== null) add("parent_id = ?", input.parentId);
  if (input.search !== null) {
    const pattern = `%${input.search.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
    const escape = String.raw`escape '\'`;
    add(
      `(lower(title) like ? ${escape} or lower(coalesce(description, '')) like ? ${escape} or lower(coalesce(key, '')) like ? ${escape})`,
      pattern,
      pattern,
      pattern,
    );
  }
  return { where: where.join(" and "), params };
}

export interface Dependent {
  readonly id: TaskId;
  readonly key: string | null;
  readonly title: string;
  readonly status: TaskStatus;
  /** `needs` is of the plan, said or by place; `order` is for what was done between them; a parent waits for a `part`; a running task waits for its `child`. */
  readonly kind: Exclude<EdgeKind, "place">;
}

/** The tasks a task needs by name, and what it comes after because something between them was done before its turn. */
export const listNeeds = defineRead("list-needs", function* (context, input: { readonly taskId: TaskId }): Command<
  readonly Dependent[]
> {
  const sql = `select t.id as id, t.key as key, t.title as title, t.status as status, d.kind as kind
    from dependencies d join tasks t on t.project_id = d.project_id and t.id = d.depends_on_id
    where d.project_id = ? and d.task_id = ? and d.kind in ('needs', 'place', 'order') order by t.seq limit 1000`;
  return (yield* rows(sql, context.projectId, input.taskId)).map(rowToDependent);
});

/** The tasks that wait, or waited, for a task. */
export const listDependents = defineRead(
  "list-dependents",
  function* (context, input: { readonly taskId: TaskId }): Command<readonly Dependent[]> {
    const sql = `select t.id as id, t.key as key, t.title as title, t.status as status, d.kind as kind
      from dependencies d join tasks t on t.project_id = d.project_id and t.id = d.task_id
      where d.project_id = ? and d.depends_on_id = ? order by t.seq limit 1000`;
    return (yield* rows(sql, context.projectId, input.taskId)).map(rowToDependent);
  },
);

function rowToDependent(row: Row): Dependent {
  const kind = text(row.kind) as EdgeKind;
  return {
    id: asId(text(row.id)),
    key: textOrNull(row.key),
    title: text(row.title),
    status: text(row.status) as TaskStatus,
    kind: kind === "place" ? "needs" : kind,
  };
}

export interface ListExecutions {
  readonly taskId: TaskId | null;
  readonly sessionId: SessionId | null;
  readonly before: number | null;
  readonly limit: number;
}

export interface ExecutionPage {
  readonly executions: readonly (Execution & { readonly taskTitle: string; readonly taskKey: string | null })[];
  readonly next: number | null;
}

/** Newest first. */
export const listExecutions = defineRead(
  "list-executions",
  function* (context, input: ListExecutions): Command<ExecutionPage> {
    const sql = `select e.project_id as project_id, t.title as task_title, t.key as task_key, ${columnsOf(EXECUTIONS, "e")}
    from executions e join tasks t on t.project_id = e.project_id and t.id = e.task_id
    where e.project_id = ? and e.seq < ? and (cast(? as text) is null or e.task_id = ?) and (cast(? as text) is null or e.session_id = ?) order by e.seq desc limit ?`;
    const { taskId, sessionId } = input;
    const before = input.before ?? Number.MAX_SAFE_INTEGER;
    const found = yield* rows(sql, context.projectId, before, taskId, taskId, sessionId, sessionId, input.limit + 1);
    const executions: ExecutionPage["executions"][number][] = [];
    for (const row of found.slice(0, input.limit)) {
      const execution = rowToExecution(yield* withValues(row, ["result"]));
      executions.push({
        ...execution,
        taskTitle: text(row.task_title),
        taskKey: row.task_key === null ? null : text(row.task_key),
      });
    }
    return { executions, next: found.length > input.limit ? integer(found[input.limit - 1]?.seq) : null };
  },
);
