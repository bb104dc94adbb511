/** What must hold in the tables at any moment between two calls, worked out from the rows alone. */

import { isTerminalTask } from "../../domain/task.ts";
import type { DependencyFailurePolicy, TaskStatus } from "../../domain/task.ts";
import type { Row } from "../../store/command.ts";
import { isSatisfied } from "../../store/commands/dependencies.ts";
import type { EdgeKind } from "../../store/commands/dependencies.ts";
import { CLOSED } from "../../store/commands/lanes.ts";
import type { TableDump } from "../table-dump.ts";

/** Everything that does not hold, in words; empty when all is well. */
export function faultsIn(tables: TableDump): readonly string[] {
  const state = index(tables);
  const sessions = (tables.sessions ?? []).flatMap((session) => sessionFaults(state, session));
  const tasks = (tables.tasks ?? []).flatMap((task) => taskFaults(state, task));
  const executions = (tables.executions ?? []).flatMap((execution) => executionFaults(state, execution));
  return [...sessions, ...tasks, ...executions, ...laneFaults(tables)];
}

/**
 * Ready tasks that claims find by their lane have one, which comes up no later than they do; none is closed for a task to
 * end while fewer run than may; and never do more run than may.
 */
function laneFaults(tables: TableDump): readonly string[] {
  const faults: string[] = [];
  const running = Map.groupBy(
    (tables.tasks ?? []).filter((task) => task.status === "in_progress" && task.limit_key !== null),
    (task) => task.limit_key,
  );
  const bounds = new Map((tables.tasks ?? []).map((task) => [task.limit_key, task.limit_concurrency]));
  for (const [key, tasks] of running) {
    const most = bounds.get(key) ?? null;
    if (most !== null && tasks.length > Number(most)) faults.push(`${tasks.length} run under key ${key}, of ${most}`);
  }
  for (const task of tables.tasks ?? []) {
    if (task.status !== "pending" || task.held !== 0 || (task.labels === null && task.limit_key === null)) continue;
    const lane = (tables.lanes ?? []).find(
      (row) =>
        row.session_id === task.session_id &&
        row.executor === task.executor &&
        row.labels === (task.labels ?? "") &&
        row.limit_key === (task.limit_key ?? "") &&
        row.priority === task.priority,
    );
    if (lane === undefined || Number(lane.run_at) > Number(task.run_at)) {
      faults.push(`task ${task.key ?? task.id} is ready and no lane leads to it`);
      continue;
    }
    const free = Number(task.limit_concurrency ?? 1) - (running.get(task.limit_key)?.length ?? 0);
    if (Number(lane.due_at) === CLOSED && (task.limit_key === null || free > 0))
      faults.push(`the lane of ${task.key ?? task.id} is closed, and ${free} more could run`);
  }
  return faults;
}

interface State {
  readonly tables: TableDump;
  readonly tasks: ReadonlyMap<unknown, Row>;
  readonly sessions: ReadonlyMap<unknown, Row>;
  readonly executions: ReadonlyMap<unknown, Row>;
  readonly edges: ReadonlyMap<unknown, readonly Row[]>;
}

function index(tables: TableDump): State {
  const byId = (rows: readonly Row[] | undefined): ReadonlyMap<unknown, Row> =>
    new Map((rows ?? []).map((row) => [row.id, row]));
  return {
    tables,
    tasks: byId(tables.tasks),
    sessions: byId(tables.sessions),
    executions: byId(tables.executions),
    edges: Map.groupBy(tables.dependencies ?? [], (edge) => edge.task_id),
  };
}

function isUnfinished(task: Row): boolean {
  return !isTerminalTask(String(task.status) as TaskStatus);
}

function sessionFaults({ tables }: State, session: Row): readonly string[] {
  const unfinished = (tables.tasks ?? []).filter((task) => task.session_id === session.id && isUnfinished(task)).length;
  const load = tables.session_loads?.find((row) => row.session_id === session.id)?.unfinished;
  return load === unfinished ? [] : [`session ${session.name} counts ${load} unfinished tasks and has ${unfinished}`];
}

/** How many of a task's dependencies, other than children it created, still hold it back. */
export function unsatisfiedNeeds(tables: TableDump, taskId: string): number {
  const state = index(tables);
  const task = state.tasks.get(taskId);
  return task === undefined ? 0 : unsatisfied(state, task);
}

function unsatisfied({ edges, tasks }: State, task: Row): number {
  const policy = String(task.on_dependency_failure) as DependencyFailurePolicy;
  return (edges.get(task.id) ?? []).filter((edge) => {
    const kind = String(edge.kind) as EdgeKind;
    const status = String(tasks.get(edge.depends_on_id)?.status) as TaskStatus;
    return kind !== "child" && !isSatisfied(kind, status, policy);
  }).length;
}

function taskFaults(state: State, task: Row): readonly string[] {
  const faults: string[] = [];
  const expect = (condition: boolean, fault: string): void => {
    if (!condition) faults.push(`task ${task.key ?? task.id} (${task.status}, ${task.blocked_reason}) ${fault}`);
  };
  const execution = task.execution_id === null ? undefined : state.executions.get(task.execution_id);
  const hasBegun = task.execution_id !== null;
  const open = unsatisfied(state, task);
  const { status, blocked_reason: reason, waiting_on: waitingOn } = task;

  expect((reason !== null) === (status === "blocked"), "has a reason if and only if it is blocked");
  expect(!hasBegun || execution !== undefined, "names an execution that exists");
  if (isUnfinished(task)) {
    const isActive = state.sessions.get(task.session_id)?.status === "active";
    expect((task.held === 0) === isActive, `is held back if and only if its session is not active (held ${task.held})`);
    expect(task.completed_at === null, "has not ended and has no end");
  } else {
    expect(task.completed_at !== null, "has ended and has an end");
    expect(
      execution?.status !== "running" && execution?.status !== "suspended",
      `has ended and its execution is ${execution?.status}`,
    );
  }
  if (status === "pending") expect(waitingOn === 0, `waits for nothing and counts ${waitingOn}`);
  if (status === "pending" && !hasBegun) expect(open === 0, `is ready and has ${open} open dependencies`);
  if (status === "blocked" && (reason === "dependencies" || reason === "dependency_failed")) {
    expect(Number(waitingOn) > 0, "waits for dependencies and counts none");
    expect(hasBegun || waitingOn === open, `counts ${waitingOn} dependencies and has ${open} open`);
  }
  if (status === "in_progress")
    expect(execution?.status === "running", `runs and its execution is ${execution?.status}`);
  if (status === "completed" && task.executor === "group") expect(open === 0, `is complete with ${open} parts open`);
  return faults;
}

function executionFaults({ tasks }: State, execution: Row): readonly string[] {
  const task = tasks.get(execution.task_id);
  const faults: string[] = [];
  if (execution.status === "running") {
    if (task?.status !== "in_progress" || task.execution_id !== execution.id)
      faults.push("runs for a task that does not");
    if (execution.worker_id === null) faults.push("runs without a worker");
  } else if (execution.worker_id !== null) faults.push("has a worker and does not run");
  const hasEnded = execution.status === "completed" || execution.status === "failed";
  if (hasEnded !== (execution.ended_at !== null))
    faults.push(`is ${execution.status} and ended at ${execution.ended_at}`);
  return faults.map((fault) => `execution of ${task?.key ?? execution.task_id} ${fault}`);
}
