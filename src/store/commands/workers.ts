/** Workers, their leases, and what happens to the executions of one that is gone. Leases are coordination and not logged; a recovery is. */

import type { Millis } from "../../base/clock.ts";
import { parseStoredJson } from "../../base/json.ts";
import type { ExecutionId, WorkerId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command, CommandContext, Row, SqlValue } from "../command.ts";
import { defineRead, defineWrite, rows } from "../command.ts";
import { integer, integerOrNull, text, textOrNull } from "../entity-rows.ts";
import { updateRow } from "../rows.ts";
import { columnsOf, EXECUTIONS, TASKS } from "../tables.ts";
import { taskRow } from "./task-rows.ts";

export interface WorkerRecord {
  readonly id: WorkerId;
  readonly host: string;
  /** `null` for an agent or person who holds a claim without a process of ours. */
  readonly pid: number | null;
  readonly startToken: string | null;
  readonly label: string;
  /** Holds one claim of an agent or person, which their reports extend. */
  readonly isByHand: boolean;
  /** What it can carry out. */
  readonly executors: readonly string[];
  /** What it offers. */
  readonly labels: readonly string[];
  readonly registeredAt: Millis;
  readonly leaseExpiresAt: Millis;
}

export interface RegisterWorker {
  readonly id: WorkerId;
  readonly host: string;
  readonly pid: number | null;
  readonly startToken: string | null;
  readonly label: string;
  /** Default `false`: a worker, which carries out tasks itself. */
  readonly isByHand?: boolean;
  /** Default: none. */
  readonly executors?: readonly string[];
  readonly labels?: readonly string[];
  readonly leaseMs: number;
}

export const registerWorker = defineWrite("register-worker", function* (context, input: RegisterWorker): Command<void> {
  yield* rows(
    `insert into workers (project_id, id, host, pid, start_token, label, by_hand, executors, labels, registered_at,
        lease_expires_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      on conflict (project_id, id) do update
        set lease_expires_at = excluded.lease_expires_at, executors = excluded.executors, labels = excluded.labels`,
    context.projectId,
    input.id,
    input.host,
    input.pid,
    input.startToken,
    input.label,
    input.isByHand === true ? 1 : 0,
    JSON.stringify(input.executors ?? []),
    JSON.stringify(input.labels ?? []),
    context.now,
    context.now + input.leaseMs,
  );
});

export interface ExtendLeases {
  readonly workerId: WorkerId;
  readonly leaseMs: number;
  /** What the worker believes it holds. */
  readonly holds: readonly { readonly executionId: ExecutionId; readonly fence: number }[];
}

export interface ExtendedLeases {
  readonly lost: readonly ExecutionId[];
  readonly isRegistered: boolean;
}

/**
 * Extends all leases of a worker at once, and tells it which it no longer has.
 *
 * A lease that ran out and was taken over is not revived (INV-3); one that nobody took is. A worker that was forgotten
 * meanwhile is told so: it must register anew, or what it claims is taken from it.
 */
export const extendLeases = defineWrite(
  "extend-leases",
  function* (context, input: ExtendLeases): Command<ExtendedLeases> {
    const registered = yield* rows(
      "update workers set lease_expires_at = ? where project_id = ? and id = ? returning id",
      context.now + input.leaseMs,
      context.projectId,
      input.workerId,
    );
    const held = yield* rows(
      "select id, fence from executions where project_id = ? and worker_id = ? and status = 'running'",
      context.projectId,
      input.workerId,
    );
    const fences = new Map(held.map((row) => [text(row.id), integer(row.fence)]));
    const lost = input.holds
      .filter((hold) => fences.get(hold.executionId) !== hold.fence)
      .map((hold) => hold.executionId);
    return { lost, isRegistered: registered.length > 0 };
  },
);

export const listWorkers = defineRead("list-workers", function* (context): Command<readonly WorkerRecord[]> {
  const found = yield* rows(
    `select id, host, pid, start_token, label, by_hand, executors, labels, registered_at, lease_expires_at
      from workers where project_id = ? order by registered_at, id`,
    context.projectId,
  );
  return found.map(rowToWorker);
});

function rowToWorker(row: Row): WorkerRecord {
  return {
    id: asId(text(row.id)),
    host: text(row.host),
    pid: integerOrNull(row.pid),
    startToken: textOrNull(row.start_token),
    label: text(row.label),
    isByHand: row.by_hand === 1,
    executors: textList(row.executors),
    labels: textList(row.labels),
    registeredAt: integer(row.registered_at),
    leaseExpiresAt: integer(row.lease_expires_at),
  };
}

function textList(value: SqlValue | undefined): readonly string[] {
  const parsed = parseStoredJson(text(value ?? "[]"), "What a worker can carry out");
  return Array.isArray(parsed) ? parsed.filter((item) => typeof item === "string") : [];
}

export interface RecoverWorkers {
  /** Workers the caller knows to be gone, because their process is. */
  readonly dead: readonly { readonly id: WorkerId; readonly why: string }[];
}

export interface Recovered {
  readonly executionId: ExecutionId;
  readonly taskTitle: string;
  readonly why: string;
}

/**
 * Returns to the queue whatever dead workers, workers with expired leases and workers nobody knows were running, and
 * forgets those workers.
 * Costs no retry. Safe to call from anywhere at any time: an execution that was claimed anew meanwhile is not touched.
 */
export const recoverWorkers = defineWrite("recover-workers", function* (context, input: RecoverWorkers): Command<
  readonly Recovered[]
> {
  const expired = yield* rows(
    "select id, label from workers where project_id = ? and lease_expires_at <= ?",
    context.projectId,
    context.now,
  );
  const gone = new Map(expired.map((row) => [text(row.id), `the lease of ${text(row.label)} ran out`]));
  const unknown = yield* rows(UNKNOWN_HOLDERS_SQL, context.projectId);
  for (const row of unknown) gone.set(text(row.id), "its worker is not registered");
  for (const worker of input.dead) gone.set(worker.id, worker.why);
  const recovered: Recovered[] = [];
  for (const [workerId, why] of gone) {
    const held = yield* rows(HELD_BY_SQL, context.projectId, workerId);
    for (const execution of held) recovered.push(yield* releaseExecution(context, execution, { verb: "recover", why }));
    yield* rows("delete from workers where project_id = ? and id = ?", context.projectId, workerId);
  }
  return recovered;
});

const UNKNOWN_HOLDERS_SQL = `select distinct e.worker_id as id from executions e
  where e.project_id = ? and e.status = 'running' and e.worker_id is not null
    and not exists (select 1 from workers w where w.project_id = e.project_id and w.id = e.worker_id)`;

const HELD_BY_SQL = `select project_id, ${columnsOf(EXECUTIONS)} from executions
  where project_id = ? and worker_id = ? and status = 'running' order by seq`;

/** Ends a worker in good order: what it still holds returns to the queue. */
export const removeWorker = defineWrite(
  "remove-worker",
  function* (context, input: { readonly workerId: WorkerId }): Command<void> {
    for (const execution of yield* rows(HELD_BY_SQL, context.projectId, input.workerId)) {
      yield* releaseExecution(context, execution, { verb: "release", why: "its worker stopped" });
    }
    yield* rows("delete from workers where project_id = ? and id = ?", context.projectId, input.workerId);
  },
);

/** Forgets workers that are gone and hold nothing; what a dead one holds is left to whoever takes over. Returns their labels. */
export const forgetIdleWorkers = defineWrite("forget-idle-workers", function* (context, input: IdleWorkers): Command<
  readonly string[]
> {
  const gone = yield* idleWorkers(context, input);
  for (const { id } of gone)
    yield* rows("delete from workers where project_id = ? and id = ?", context.projectId, text(id));
  return gone.map(({ label }) => text(label));
});

/** What `forgetIdleWorkers` would forget. */
export const findIdleWorkers = defineRead("find-idle-workers", function* (context, input: IdleWorkers): Command<
  readonly string[]
> {
  return (yield* idleWorkers(context, input)).map(({ label }) => text(label));
});

export interface IdleWorkers {
  /** Known to be gone, whatever their leases say. */
  readonly dead: readonly WorkerId[];
}

function* idleWorkers(context: CommandContext, { dead }: IdleWorkers): Command<readonly Row[]> {
  const sql = `select id, label, lease_expires_at from workers w where project_id = ? and not exists (
    select 1 from executions e where e.project_id = w.project_id and e.worker_id = w.id and e.status = 'running')
    order by registered_at, id`;
  const idle = yield* rows(sql, context.projectId);
  return idle.filter((row) => integer(row.lease_expires_at) <= context.now || dead.includes(asId(text(row.id))));
}

/** The columns of a task that was stopped because someone asked; it stays so until it is resumed. */
export const INTERRUPTED = { status: "blocked", blocked_reason: "interrupted", blocked_note: null } as const;

/** The task is pending again, or interrupted if that was asked for, and its execution waits, at the step it had reached, for whoever claims it next. */
export function* releaseExecution(
  context: CommandContext,
  execution: Row,
  { verb, why }: { readonly verb: string; readonly why: string },
): Command<Recovered> {
  yield* updateRow(context, EXECUTIONS, execution, {
    verb,
    note: why,
    patch: { status: "interrupted", worker_id: null, interrupt_requested: 0, updated_at: context.now },
  });
  const task = yield* taskRow(context, text(execution.task_id));
  if (task.status === "in_progress") {
    const state = execution.interrupt_requested === 1 ? INTERRUPTED : { status: "pending" };
    yield* updateRow(context, TASKS, task, { verb, note: why, patch: { ...state, updated_at: context.now } });
  }
  return { executionId: asId(text(execution.id)), taskTitle: text(task.title), why };
}
