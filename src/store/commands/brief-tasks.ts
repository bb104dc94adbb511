/** What a brief says of a session's tasks: what is done and how that shows, what runs, what is next, what is stuck and why. */

import type { Millis } from "../../base/clock.ts";
import type { Json } from "../../base/json.ts";
import { isJsonObject } from "../../base/json.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { StepStatus } from "../../domain/step.ts";
import type { BlockedReason, TaskError, TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { loadValue } from "../values.ts";

/** A task by what it is called. */
export interface BriefName {
  readonly id: string;
  readonly key: string | null;
}

export interface BriefTask extends BriefName {
  readonly title: string;
  /** The newest step of its journal; `null` before the first. */
  readonly step: { readonly name: string; readonly status: StepStatus } | null;
}

export interface BriefPending extends BriefTask {
  readonly executor: string;
  readonly priority: number;
  readonly runAt: Millis;
}

export interface BriefDone extends BriefTask {
  readonly completedAt: Millis;
  readonly evidence: string | null;
  readonly artifacts: readonly string[];
}

export interface BriefRunning extends BriefTask {
  readonly attempt: number;
  readonly startedAt: Millis;
  readonly percent: number | null;
  readonly message: string | null;
  readonly workerId: string | null;
}

export interface BriefBlocked extends BriefTask {
  readonly reason: BlockedReason;
  readonly note: string | null;
  readonly runAt: Millis;
  /** What it waits for and has not got. */
  readonly needs: readonly (BriefName & { readonly status: TaskStatus })[];
  /** What it asks, when it waits for a yes or no. */
  readonly question: string | null;
}

export interface BriefFailed extends BriefTask {
  readonly error: string | null;
}

export interface BriefTasks {
  /** Groups left out. `ready` and `later` are the pending ones, by whether they are due. */
  readonly counts: Readonly<
    Record<Exclude<TaskStatus, "pending"> | "ready" | "later" | "phases" | "donePhases", number>
  >;
  /** Of completed tasks and of completed groups, in the order of the plan. */
  readonly doneNames: readonly BriefName[];
  readonly donePhaseNames: readonly BriefName[];
  /** Newest first. */
  readonly done: readonly BriefDone[];
  readonly running: readonly BriefRunning[];
  /** In the order they are claimed in. */
  readonly ready: readonly BriefPending[];
  readonly later: readonly BriefPending[];
  /** Those that only wait for others come last. */
  readonly blocked: readonly BriefBlocked[];
  readonly failed: readonly BriefFailed[];
}

export interface BriefScope {
  readonly sessionId: SessionId;
  /** Most names of what is done, and most files. */
  readonly names: number;
  /** Most tasks of every other list. */
  readonly tasks: number;
  /** Most lines of a list of particulars. */
  readonly lines: number;
}

export function* readBriefTasks(context: CommandContext, scope: BriefScope): Command<BriefTasks> {
  const counts = yield* countAll(context, scope.sessionId);
  return {
    counts,
    doneNames: counts.completed === 0 ? [] : yield* doneNames(context, scope, "<>"),
    donePhaseNames: counts.donePhases === 0 ? [] : yield* doneNames(context, scope, "="),
    done: counts.completed === 0 ? [] : yield* newestDone(context, scope),
    running: counts.in_progress === 0 ? [] : yield* runningTasks(context, scope),
    ready: counts.ready === 0 ? [] : yield* pendingTasks(context, scope, "<="),
    later: counts.later === 0 ? [] : yield* pendingTasks(context, scope, ">"),
    blocked: counts.blocked === 0 ? [] : yield* blockedTasks(context, scope),
    failed: counts.failed === 0 ? [] : yield* failedTasks(context, scope),
  };
}

function* countAll(context: CommandContext, sessionId: SessionId): Command<BriefTasks["counts"]> {
  const isGroup = `case when executor = '${GROUP_EXECUTOR}' then 1 else 0 end`;
  const isLater = "case when status = 'pending' and run_at > ? then 1 else 0 end";
  const sql = `select status, is_group, is_later, count(*) as n from (
      select status, ${isGroup} as is_group, ${isLater} as is_later from tasks where project_id = ? and session_id = ?
    ) as each_task group by status, is_group, is_later`;
  const counts = { ready: 0, later: 0, blocked: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
  const phases = { phases: 0, donePhases: 0 };
  for (const row of yield* rows(sql, context.now, context.projectId, sessionId)) {
    const status = text(row.status) as TaskStatus;
    const count = integer(row.n);
    if (row.is_group === 1) {
      if (status !== "cancelled") phases.phases += count;
      if (status === "completed") phases.donePhases += count;
    } else counts[status === "pending" ? (row.is_later === 1 ? "later" : "ready") : status] += count;
  }
  return { ...counts, ...phases };
}

function* doneNames(context: CommandContext, scope: BriefScope, group: "=" | "<>"): Command<readonly BriefName[]> {
  const sql = `select id, key from tasks where project_id = ? and session_id = ? and status = 'completed'
    and executor ${group} '${GROUP_EXECUTOR}' order by seq limit ?`;
  return (yield* rows(sql, context.projectId, scope.sessionId, scope.names)).map(rowToName);
}

/** Few, since there may be many rows. */
const TASK_COLUMNS = `t.id as id, t.key as key, t.title as title, (
    select s.status || ' ' || s.name from steps s where s.project_id = t.project_id and s.execution_id = t.execution_id
    order by s.position desc limit 1
  ) as step`;

interface TaskLines {
  readonly where: string;
  readonly order: string;
  readonly more?: string;
  readonly join?: string;
  readonly params?: readonly SqlValue[];
  readonly limit: number;
}

function* taskRows(context: CommandContext, scope: BriefScope, lines: TaskLines): Command<readonly Row[]> {
  const sql = `select ${TASK_COLUMNS}${lines.more ?? ""} from tasks t${lines.join ?? ""} where t.project_id = ? and t.session_id = ?
    and t.executor <> '${GROUP_EXECUTOR}' and ${lines.where} order by ${lines.order} limit ?`;
  return yield* rows(sql, context.projectId, scope.sessionId, ...(lines.params ?? []), lines.limit);
}

const NEWEST_DONE = "t.completed_at desc, t.seq desc";
const OWN_EXECUTION = " left join executions e on e.project_id = t.project_id and e.id = t.execution_id";

function* newestDone(context: CommandContext, scope: BriefScope): Command<readonly BriefDone[]> {
  const artifacts = yield* artifactNames(context, scope);
  const done: BriefDone[] = [];
  const found = yield* taskRows(context, scope, {
    where: "t.status = 'completed'",
    order: NEWEST_DONE,
    more: ", t.completed_at as completed_at, e.result as result",
    join: OWN_EXECUTION,
    limit: scope.lines,
  });
  for (const row of found) {
    done.push({
      ...toTask(row),
      completedAt: integer(row.completed_at),
      evidence: evidenceIn(yield* loadValue(row.result, "a task's result")),
      artifacts: artifacts.get(text(row.id)) ?? [],
    });
  }
  return done;
}

/** What `task done --evidence` said; whatever else it resulted in is not for a brief. */
function evidenceIn(result: Json): string | null {
  return isJsonObject(result) && typeof result.evidence === "string" ? result.evidence : null;
}

const MAX_ARTIFACTS = 20;

/** By task, for the newest done: those of the execution that completed it, not of earlier occurrences. */
function* artifactNames(
  context: CommandContext,
  { sessionId, lines }: BriefScope,
): Command<ReadonlyMap<string, readonly string[]>> {
  const sql = `select a.task_id as task_id, a.name as name from (
      select t.project_id as project_id, t.id as id, t.execution_id as execution_id from tasks t
      where t.project_id = ? and t.session_id = ? and t.status = 'completed' and t.executor <> '${GROUP_EXECUTOR}'
      order by ${NEWEST_DONE} limit ?
    ) as done join artifacts a on a.project_id = done.project_id and a.task_id = done.id
    where a.execution_id is null or a.execution_id = done.execution_id order by a.seq limit ?`;
  const names = new Map<string, string[]>();
  // Most projects have none, which is known at once.
  if ((yield* oneRow("select 1 as found from artifacts where project_id = ? limit 1", context.projectId)) === null)
    return names;
  for (const row of yield* rows(sql, context.projectId, sessionId, lines, lines * MAX_ARTIFACTS)) {
    const own = names.get(text(row.task_id)) ?? [];
    if (own.length < MAX_ARTIFACTS) own.push(text(row.name));
    names.set(text(row.task_id), own);
  }
  return names;
}

function* runningTasks(context: CommandContext, scope: BriefScope): Command<readonly BriefRunning[]> {
  const sql = `select ${TASK_COLUMNS}, e.attempt as attempt, e.started_at as started_at, e.progress as progress, e.worker_id as worker_id
    from tasks t join executions e on e.project_id = t.project_id and e.id = t.execution_id
    where t.project_id = ? and t.session_id = ? and t.status = 'in_progress' order by e.started_at, e.seq limit ?`;
  const running: BriefRunning[] = [];
  for (const row of yield* rows(sql, context.projectId, scope.sessionId, scope.tasks)) {
    const progress = yield* loadValue(row.progress, "progress");
    const reported = isJsonObject(progress) ? progress : {};
    running.push({
      ...toTask(row),
      attempt: integer(row.attempt),
      startedAt: integer(row.started_at),
      percent: typeof reported.percent === "number" ? reported.percent : null,
      message: typeof reported.message === "string" ? reported.message : null,
      workerId: textOrNull(row.worker_id),
    });
  }
  return running;
}

function* pendingTasks(context: CommandContext, scope: BriefScope, due: "<=" | ">"): Command<readonly BriefPending[]> {
  const order = due === "<=" ? "t.priority desc, t.run_at, t.seq" : "t.run_at, t.priority desc, t.seq";
  const lines = {
    where: `t.status = 'pending' and t.run_at ${due} ?`,
    params: [context.now],
    order,
    more: ", t.executor as executor, t.priority as priority, t.run_at as run_at",
    limit: scope.tasks,
  };
  return (yield* taskRows(context, scope, lines)).map((row) => ({
    ...toTask(row),
    executor: text(row.executor),
    priority: integer(row.priority),
    runAt: integer(row.run_at),
  }));
}

/** Those that only wait for others come last. */
const BLOCKED_ORDER = "case when t.blocked_reason = 'dependencies' then 1 else 0 end, t.seq";

function* blockedTasks(context: CommandContext, scope: BriefScope): Command<readonly BriefBlocked[]> {
  const found = yield* taskRows(context, scope, {
    where: "t.status = 'blocked'",
    order: BLOCKED_ORDER,
    more: `, t.blocked_reason as blocked_reason, t.blocked_note as blocked_note, t.run_at as run_at,
      t.execution_id as execution_id`,
    limit: scope.tasks,
  });
  const needs = yield* openNeeds(context, scope);
  const blocked: BriefBlocked[] = [];
  for (const [index, row] of found.entries()) {
    const reason = text(row.blocked_reason) as BlockedReason;
    const isTold = index < scope.lines;
    const waitsForOthers = reason === "dependencies" || reason === "dependency_failed";
    blocked.push({
      ...toTask(row),
      reason,
      note: textOrNull(row.blocked_note),
      runAt: integer(row.run_at),
      needs: isTold && waitsForOthers ? (needs.get(text(row.id)) ?? []) : [],
      question: isTold && reason === "waiting" ? yield* openQuestion(context, row.execution_id ?? null) : null,
    });
  }
  return blocked;
}

const MAX_NEEDS = 50;
/** Most rows that are read; a task whose needs are all beyond is told without them. */
const MAX_NEEDS_IN_ALL = 10_000;

/** What the first blocked tasks wait for and have not got, by task. */
function* openNeeds(
  context: CommandContext,
  { sessionId, lines }: BriefScope,
): Command<ReadonlyMap<string, BriefBlocked["needs"]>> {
  // The limit makes the tasks come first: from the dependencies' side all of the project's would be read.
  const sql = `select d.task_id as task_id, needed.id as id, needed.key as key, needed.status as status from (
      select t.project_id as project_id, t.id as id from tasks t where t.project_id = ? and t.session_id = ?
      and t.executor <> '${GROUP_EXECUTOR}' and t.status = 'blocked' order by ${BLOCKED_ORDER} limit ?
    ) as waiting join dependencies d on d.project_id = waiting.project_id and d.task_id = waiting.id
    join tasks needed on needed.project_id = d.project_id and needed.id = d.depends_on_id
    where needed.status <> 'completed' order by needed.seq limit ?`;
  const needs = new Map<string, BriefBlocked["needs"][number][]>();
  for (const row of yield* rows(sql, context.projectId, sessionId, lines, MAX_NEEDS_IN_ALL)) {
    const own = needs.get(text(row.task_id)) ?? [];
    if (own.length < MAX_NEEDS) own.push({ ...rowToName(row), status: text(row.status) as TaskStatus });
    needs.set(text(row.task_id), own);
  }
  return needs;
}

function* openQuestion(context: CommandContext, executionId: SqlValue | undefined): Command<string | null> {
  const sql =
    "select kind from steps where project_id = ? and execution_id = ? and status = 'started' order by position";
  for (const row of yield* rows(sql, context.projectId, textOrNull(executionId))) {
    const kind = yield* loadValue(row.kind, "a step's kind");
    if (isJsonObject(kind) && kind.type === "approval" && typeof kind.question === "string") return kind.question;
  }
  return null;
}

function* failedTasks(context: CommandContext, scope: BriefScope): Command<readonly BriefFailed[]> {
  const failed: BriefFailed[] = [];
  const found = yield* taskRows(context, scope, {
    where: "t.status = 'failed'",
    order: "t.seq",
    more: ", e.error as error",
    join: OWN_EXECUTION,
    limit: scope.tasks,
  });
  for (const row of found) {
    const error = (yield* loadValue(row.error, "a task's error")) as unknown as TaskError | null;
    failed.push({ ...toTask(row), error: error?.message ?? null });
  }
  return failed;
}

function toTask(row: Row): BriefTask {
  const [, status, name] = /^(\S+) (.*)$/s.exec(textOrNull(row.step) ?? "") ?? [];
  return {
    ...rowToName(row),
    title: text(row.title),
    step: status === undefined || name === undefined ? null : { name, status: status as StepStatus },
  };
}

function rowToName(row: Row): BriefName {
  return { id: text(row.id), key: textOrNull(row.key) };
}
