/** A plan as a session: submitted once, found again by its file, brought up to date when the file has changed. */

import { PerdureError } from "../../base/errors.ts";
import { findCycle } from "../../domain/dependency-graph.ts";
import type { SessionId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Session } from "../../domain/session.ts";
import type { Task } from "../../domain/task.ts";
import { GROUP_EXECUTOR, isTerminalTask } from "../../domain/task.ts";
import type { TaskStatus } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, defineWrite, oneRow, rows } from "../command.ts";
import { fleetColumns, text, textOrNull } from "../entity-rows.ts";
import type { NewTask } from "../new-task.ts";
import { scheduleToText } from "../schedule-column.ts";
import { deleteRow, updateRow } from "../rows.ts";
import { columnsOf, DEPENDENCIES, SESSIONS, TASKS } from "../tables.ts";
import { storeValue } from "../values.ts";
import {
  insertBeyondLimit,
  insertEdge,
  insertTasks,
  loadOf,
  refuseOverLoad,
  retryText,
  waitForParts,
} from "./create-tasks.ts";
import type { NewSession } from "./sessions.ts";
import { insertSession } from "./sessions.ts";
import { loadSession, openSessionForWork, sessionRow } from "./session-rows.ts";
import { cancelTree, endRunning, retryRow } from "./task-actions.ts";
import { compareNeeds, edgeRow, idOfNeed, isRecurringRow, recountUnfinished, replaceNeeds } from "./plan-needs.ts";
import { refuseCycleThrough } from "./dependencies.ts";
import { comesAfterOf, isDoneByTick } from "./task-references.ts";
import { taskRow } from "./task-rows.ts";
import { endTask } from "./executions.ts";

export interface SubmitPlan {
  readonly session: NewSession;
  /** Each with a key; `needs` and `parent` name keys of this plan. */
  readonly tasks: readonly NewTask[];
  /**
   * Go on with the unfinished session of the same plan file, if there is one. A plan from no file goes on with the
   * unfinished session of the same name that says the same, so that submitting it twice does not double it.
   */
  readonly continueUnfinished: boolean;
  /** The session to bring up to date, whatever file it came from and even when it had ended. */
  readonly sessionId?: SessionId;
}

export interface SubmittedPlan {
  readonly session: Session;
  readonly isNew: boolean;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Ticked in the file since. */
  readonly completed: readonly string[];
  /** No longer in the file. */
  readonly cancelled: readonly string[];
  /** Changed in the file, but running or done already: left as they are. */
  readonly kept: readonly string[];
}

/**
 * Submits a plan whole or not at all; or brings the unfinished session of the same file up to date with it: new tasks
 * are added, changed ones that have not started are changed, those gone from the file are cancelled, ticked ones completed.
 */
export const submitPlan = defineWrite("submit-plan", function* (context, input: SubmitPlan): Command<SubmittedPlan> {
  const existing = yield* existingSession(context, input);
  if (existing === null) {
    const session = yield* insertSession(context, input.session);
    const created = yield* insertTasks(context, session, input.tasks);
    return { ...NO_CHANGES, session: yield* loadSession(session), isNew: true, added: created.map(keyOf) };
  }
  const isSame = existing.plan_fingerprint === input.session.planFingerprint;
  if (isSame && (existing.status === "completed" || input.tasks.every((task) => task.status === "pending"))) {
    return { ...NO_CHANGES, session: yield* loadSession(existing), isNew: false };
  }
  return yield* syncPlan(context, existing, input);
});

const NO_CHANGES = { added: [], changed: [], completed: [], cancelled: [], kept: [] };

function keyOf(task: Task): string {
  return task.key ?? task.id;
}

function* existingSession(context: CommandContext, input: SubmitPlan): Command<Row | null> {
  if (input.sessionId !== undefined) return yield* sessionRow(context, input.sessionId);
  return input.continueUnfinished ? yield* unfinishedSessionOf(context, input.session) : null;
}

export interface PlanSession {
  readonly session: Session;
  readonly planFingerprint: string | null;
}

/** The newest session that came from a plan file, in whatever state. */
export const findPlanSession = defineRead(
  "find-plan-session",
  function* (context, input: { readonly planFile: string }): Command<PlanSession | null> {
    const sql = `select project_id, ${columnsOf(SESSIONS)} from sessions where project_id = ? and plan_file = ? order by seq desc limit 1`;
    const row = yield* oneRow(sql, context.projectId, input.planFile);
    return row === null
      ? null
      : { session: yield* loadSession(row), planFingerprint: textOrNull(row.plan_fingerprint) };
  },
);

/**
 * The newest session of the plan with something left to do, or to tell: one that was completed by a process that was
 * killed before it could say so is not done all over again.
 */
type PlanIdentity = Pick<NewSession, "planFile" | "planFingerprint" | "name">;

function* unfinishedSessionOf(context: CommandContext, plan: PlanIdentity): Command<Row | null> {
  const { planFile, planFingerprint } = plan;
  if (planFile === null) return yield* unfinishedTwin(context, plan);
  const sql = `select project_id, ${columnsOf(SESSIONS)} from sessions where project_id = ? and plan_file = ?
    and (status in ('created', 'active', 'paused', 'failed')
      or (status = 'completed' and end_told_at is null and plan_fingerprint = ?)) order by seq desc limit 1`;
  return yield* oneRow(sql, context.projectId, planFile, planFingerprint);
}

/** Of a plan that came from no file: the newest unfinished session of that name that says the same. */
function* unfinishedTwin(context: CommandContext, { name, planFingerprint }: PlanIdentity): Command<Row | null> {
  if (planFingerprint === null) return null;
  const sql = `select project_id, ${columnsOf(SESSIONS)} from sessions where project_id = ? and plan_file is null
    and plan_fingerprint = ? and name = ? and status in ('created', 'active', 'paused', 'failed') order by seq desc limit 1`;
  return yield* oneRow(sql, context.projectId, planFingerprint, name);
}

/** The session that submitting the plan would go on with; `null` when it would make a new one. */
export const findContinuedSession = defineRead(
  "find-continued-session",
  function* (context, input: PlanIdentity): Command<SessionId | null> {
    const found = yield* unfinishedSessionOf(context, input);
    return found === null ? null : asId(text(found.id));
  },
);

function* syncPlan(context: CommandContext, found: Row, input: SubmitPlan): Command<SubmittedPlan> {
  refuseCycleInPlan(input.tasks);
  const opened = yield* openSessionForWork(context, text(found.id));
  const said = { plan_fingerprint: input.session.planFingerprint, concurrency: input.session.concurrency };
  const isSame = opened.plan_fingerprint === said.plan_fingerprint && (opened.concurrency ?? null) === said.concurrency;
  const session = isSame
    ? opened
    : yield* updateRow(context, SESSIONS, opened, { verb: "edit", patch: { ...said, updated_at: context.now } });
  const sql = `select project_id, ${columnsOf(TASKS)} from tasks where project_id = ? and session_id = ? and key is not null order by seq`;
  const present = new Map((yield* rows(sql, context.projectId, text(session.id))).map((row) => [text(row.key), row]));

  const fresh = input.tasks.filter((task) => !present.has(task.ref));
  // What the plan drops makes room for what it adds, so the limit is looked at in the end.
  const load = yield* loadOf(context, text(session.id));
  const after = comesAfterOf(input.tasks, (key) => present.get(key)?.status as TaskStatus | undefined);
  const created = yield* insertBeyondLimit(context, session, { tasks: fresh, after, mayCircle: true });
  const changed: string[] = [];
  const kept: string[] = [];
  const completed: string[] = [];
  for (const task of input.tasks) {
    const taskId = present.get(task.ref)?.id;
    if (taskId === undefined) continue;
    // Read anew at each step: what was done to another task may have changed this one.
    const hasMoved = yield* moveTask(context, yield* taskRow(context, text(taskId)), task.parent);
    const wanted = { task, order: after.get(task.ref) ?? [] };
    const synced = yield* syncTask(context, yield* taskRow(context, text(taskId)), wanted);
    const outcome = hasMoved && synced === "same" ? "changed" : synced;
    if (outcome === "changed") changed.push(task.ref);
    if (outcome === "kept") kept.push(task.ref);
  }
  for (const parent of new Set(fresh.map((task) => task.parent))) {
    const group = parent === null ? undefined : present.get(parent);
    if (group !== undefined) yield* refuseCycleThrough(context, group);
  }
  // Only when everything has its place: who follows a task that is done now must know what else it comes after.
  for (const task of input.tasks) {
    const taskId = present.get(task.ref)?.id;
    if (taskId === undefined) continue;
    if (yield* completeIfTicked(context, yield* taskRow(context, text(taskId)), task)) completed.push(task.ref);
  }
  const wanted = new Set(input.tasks.map((task) => task.ref));
  const cancelled: string[] = [];
  for (const [key, row] of present) {
    // Tasks that running ones created have keys of their own only when they were given one; those are not the plan's.
    if (wanted.has(key) || row.source === null) continue;
    const current = yield* taskRow(context, text(row.id));
    if (isTerminalTask(text(current.status) as TaskStatus)) continue;
    yield* cancelTree(context, current, GONE_FROM_PLAN);
    cancelled.push(key);
  }
  yield* refuseOverLoad(context, session, load);
  return {
    session: yield* loadSession(session),
    isNew: false,
    added: created.map(keyOf),
    changed,
    completed,
    cancelled,
    kept,
  };
}

const GONE_FROM_PLAN = "no longer in the plan";

function refuseCycleInPlan(tasks: readonly NewTask[]): void {
  const needs = new Map<string, string[]>(tasks.map((task) => [task.ref, [...task.needs]]));
  for (const task of tasks) if (task.parent !== null) needs.get(task.parent)?.push(task.ref);
  const cycle = findCycle([...needs.keys()], (ref) => needs.get(ref) ?? []);
  if (cycle === null) return;
  throw new PerdureError("invalid-plan", {
    message: `The tasks wait for each other in a circle: ${cycle.join(" → ")}`,
    hint: "Remove one of these dependencies. A parent waits for the tasks below it.",
    details: { cycle },
  });
}

type SyncOutcome = "same" | "changed" | "kept";

interface WantedTask {
  readonly task: NewTask;
  /** What it comes after beyond its needs. */
  readonly order: readonly string[];
}

function* syncTask(context: CommandContext, current: Row, { task, order }: WantedTask): Command<SyncOutcome> {
  const definition = {
    title: task.title,
    description: task.description,
    executor: task.executor,
    input: yield* storeValue(task.input, `The input of task ${task.ref}`),
    kind: task.kind,
    priority: task.priority,
    weight: task.weight,
    on_dependency_failure: task.onDependencyFailure,
    context: yield* storeValue(task.context, `The context of task ${task.ref}`),
    max_retries: task.maxRetries,
    retry: retryText(task),
    timeout_ms: task.timeoutMs,
    schedule: scheduleToText(task.schedule),
    overlap: task.overlap,
    catch_up: task.catchUp,
    ...fleetColumns(task),
    source: task.source === null ? null : JSON.stringify(task.source),
  };
  const differs = Object.entries(definition).some(
    ([column, value]) => column !== "source" && (current[column] ?? null) !== value,
  );
  const wanted = { needs: task.needs, needsByPlace: task.needsByPlace, order };
  const { needsDiffer, orderDiffers } = yield* compareNeeds(context, current, wanted);
  const isBack = current.status === "cancelled" && current.blocked_note === GONE_FROM_PLAN && task.status === "pending";
  const isFixed = current.status === "in_progress" || current.status === "completed";
  if (!differs && !needsDiffer && !isBack) {
    if (orderDiffers && !isFixed) yield* replaceNeeds(context, current, wanted);
    return "same";
  }
  if (isFixed) return "kept";
  const isRescheduled = current.schedule !== definition.schedule;
  const due = isRescheduled
    ? { scheduled_for: task.scheduledFor, missed_until: null, run_at: task.runAt ?? context.now }
    : {};
  const edited = yield* updateRow(context, TASKS, current, {
    verb: "edit",
    patch: { ...definition, ...due, updated_at: context.now },
  });
  if (needsDiffer || orderDiffers) yield* replaceNeeds(context, edited, wanted);
  else yield* recountUnfinished(context, text(current.id));
  if (isBack) yield* retryRow(context, yield* taskRow(context, text(current.id)));
  return "changed";
}

/** Puts a task below another parent of the plan: the old one no longer waits for it, the new one does. */
function* moveTask(context: CommandContext, task: Row, parent: string | null): Command<boolean> {
  const parentId = parent === null ? null : yield* idOfNeed(context, task, parent);
  if (task.parent_id === parentId) return false;
  const part = task.parent_id === null ? null : yield* edgeRow(context, text(task.parent_id), text(task.id));
  if (part?.kind === "part") {
    yield* deleteRow(context, DEPENDENCIES, part, { verb: "undepend" });
    yield* recountUnfinished(context, text(task.parent_id));
  }
  yield* updateRow(context, TASKS, task, { verb: "move", patch: { parent_id: parentId, updated_at: context.now } });
  if (parentId === null || isRecurringRow(task)) return true;
  const group = yield* taskRow(context, parentId);
  if ((yield* edgeRow(context, parentId, text(task.id))) === null) {
    yield* insertEdge(context, { task: group, dependsOnId: text(task.id), kind: "part" });
  }
  const isDone = task.status === "completed" || task.status === "cancelled";
  if (group.executor === GROUP_EXECUTOR && !isDone) yield* waitForParts(context, group);
  else yield* recountUnfinished(context, parentId);
  return true;
}

/** A box that was ticked in the file: somebody did it. Left alone while a worker runs it. */
function* completeIfTicked(context: CommandContext, current: Row, task: NewTask): Command<boolean> {
  if (task.status !== "completed" || !isDoneByTick(text(current.status) as TaskStatus)) return false;
  yield* endRunning(context, current, "completed");
  yield* endTask(context, current, { status: "completed", next: null, note: "ticked in the plan" });
  return true;
}
