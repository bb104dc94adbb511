/** Sessions: making, changing, finding them, and telling when one has come to its end. */

import { PerdureError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { Session, SessionStatus, SessionVerb } from "../../domain/session.ts";
import { isFinishedSession } from "../../domain/session.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, notingReady, oneRow, rows } from "../command.ts";
import { text } from "../entity-rows.ts";
import { insertRow, updateRow } from "../rows.ts";
import { columnsOf, EXECUTIONS, SESSIONS, TASKS } from "../tables.ts";
import { storeValue } from "../values.ts";
import { changeSessionStatus, loadSession, sessionRow } from "./session-rows.ts";
import { countTasks } from "./session-queries.ts";
import { cancelTree, retryRow } from "./task-actions.ts";

export interface NewSession {
  readonly name: string;
  readonly goal: string | null;
  readonly agentId?: string | null;
  readonly userId?: string | null;
  readonly planFile: string | null;
  readonly planFingerprint: string | null;
  readonly concurrency: number | null;
  readonly maxUnfinished: number;
  readonly metadata: JsonObject;
  readonly status: "created" | "active";
}

export const createSession = defineWrite("create-session", function* (context, input: NewSession): Command<Session> {
  return yield* loadSession(yield* insertSession(context, input));
});

export function* insertSession(context: CommandContext, input: NewSession): Command<Row> {
  const values = {
    id: context.uuid(),
    name: input.name,
    status: input.status,
    goal: input.goal,
    agent_id: input.agentId ?? null,
    user_id: input.userId ?? null,
    plan_file: input.planFile,
    plan_fingerprint: input.planFingerprint,
    concurrency: input.concurrency,
    max_unfinished: input.maxUnfinished,
    metadata: yield* storeValue(input.metadata, "A session's metadata"),
    created_at: context.now,
    updated_at: context.now,
    started_at: input.status === "active" ? context.now : null,
    ended_at: null,
  };
  const row = yield* insertRow(context, SESSIONS, values, { verb: "create" });
  return { ...row, project_id: context.projectId };
}

/** The open session of that name, made if there is none. Atomic: two callers get the same one. */
export const ensureSession = defineWrite("ensure-session", function* (context, input: NewSession): Command<Session> {
  const sql = `select project_id, ${columnsOf(SESSIONS)} from sessions
    where project_id = ? and name = ? and plan_file is null and status in ('created', 'active', 'paused') order by seq desc limit 1`;
  const found = yield* oneRow(sql, context.projectId, input.name);
  return yield* loadSession(found ?? (yield* insertSession(context, input)));
});

/**
 * The newest open session of that agent and user, whatever its name, made if there is none. Atomic: two callers get the
 * same one. A session without the one or the other is only found by asking without it.
 */
export const ensureOwnedSession = defineWrite(
  "ensure-owned-session",
  function* (context, input: NewSession): Command<Session> {
    const sql = `select project_id, ${columnsOf(SESSIONS)} from sessions
      where project_id = ? and agent_id is not distinct from ? and user_id is not distinct from ?
        and (agent_id is not null or user_id is not null) and status in ('created', 'active', 'paused') order by seq desc limit 1`;
    const found = yield* oneRow(sql, context.projectId, input.agentId ?? null, input.userId ?? null);
    return yield* loadSession(found ?? (yield* insertSession(context, input)));
  },
);

export interface ChangeSession {
  readonly sessionId: SessionId;
  readonly verb: Extract<SessionVerb, "start" | "pause" | "resume" | "fail">;
  /** Why, for the change log. */
  readonly note?: string | null;
}

export const changeSession = defineWrite("change-session", function* (context, input: ChangeSession): Command<Session> {
  const session = yield* sessionRow(context, input.sessionId);
  return yield* loadSession(yield* changeSessionStatus(context, session, input.verb, input.note ?? undefined));
});

/**
 * Says that a session has reached its goal. @throws PerdureError `wrong-state` while tasks of it are unfinished: they would
 * never be worked again, and nobody would have said so.
 */
export const completeSession = defineWrite(
  "complete-session",
  function* (context, input: { readonly sessionId: SessionId; readonly note: string | null }): Command<Session> {
    const session = yield* sessionRow(context, input.sessionId);
    const { byStatus } = yield* countTasks(context, input.sessionId);
    const unfinished = byStatus.pending + byStatus.blocked + byStatus.in_progress;
    if (unfinished === 0)
      return yield* loadSession(yield* changeSessionStatus(context, session, "complete", input.note ?? undefined));
    throw new PerdureError("wrong-state", {
      message: `Session ${text(session.name)} has ${unfinished} unfinished tasks`,
      hint: "Complete or cancel them first, or end the session as it is: `perdure session fail` or `perdure session cancel`.",
      details: { sessionId: input.sessionId, unfinished },
    });
  },
);

/** Cancels a session with all its unfinished tasks. */
export const cancelSession = defineWrite(
  "cancel-session",
  function* (context, input: { readonly sessionId: SessionId }): Command<Session> {
    const session = yield* sessionRow(context, input.sessionId);
    const cancelled = yield* changeSessionStatus(context, session, "cancel");
    yield* cancelUnfinished(context, input.sessionId, "the session was cancelled");
    return yield* loadSession(cancelled);
  },
);

export function* cancelUnfinished(context: CommandContext, sessionId: SessionId, why: string): Command<void> {
  const sql = `select project_id, ${columnsOf(TASKS)} from tasks
    where project_id = ? and session_id = ? and status in ('pending', 'blocked', 'in_progress') order by seq limit 1`;
  for (;;) {
    const open = yield* oneRow(sql, context.projectId, sessionId);
    if (open === null) return;
    yield* cancelTree(context, open, why);
  }
}

export interface Resumed {
  readonly session: Session;
  /** Interrupted tasks that go on. */
  readonly continued: number;
  /** Failed tasks that are tried again. */
  readonly retried: number;
}

/** Opens a session for work again: interrupted tasks go on where they were, failed ones are tried again. */
export const resumeSession = defineWrite(
  "resume-session",
  function* (context, input: { readonly sessionId: SessionId; readonly retryFailed: boolean }): Command<Resumed> {
    let session = yield* sessionRow(context, input.sessionId);
    const verb = RESUME_VERBS[text(session.status)];
    if (isFinishedSession(text(session.status) as SessionStatus)) throw nothingToResume(session);
    if (verb !== undefined) session = yield* changeSessionStatus(context, session, verb);
    yield* withdrawInterrupts(context, input.sessionId);
    const interrupted = yield* tasksWhere(
      context,
      input.sessionId,
      "status = 'blocked' and blocked_reason = 'interrupted' and blocked_note is null",
    );
    for (const task of interrupted) yield* retryRow(context, task);
    const failed = input.retryFailed ? yield* tasksWhere(context, input.sessionId, "status = 'failed'") : [];
    for (const task of failed) yield* retryRow(context, task);
    return { session: yield* loadSession(session), continued: interrupted.length, retried: failed.length };
  },
);

/** Requests to stop that nobody has acted on, because the process they were meant for was killed, do not outlive the resume. */
function* withdrawInterrupts(context: CommandContext, sessionId: SessionId): Command<void> {
  const sql = `select project_id, ${columnsOf(EXECUTIONS)} from executions
    where project_id = ? and session_id = ? and status = 'running' and interrupt_requested = 1 order by seq`;
  for (const execution of yield* rows(sql, context.projectId, sessionId)) {
    const patch = { interrupt_requested: 0, updated_at: context.now };
    yield* updateRow(context, EXECUTIONS, execution, { verb: "withdraw_interrupt", patch });
  }
}

const RESUME_VERBS: Readonly<Record<string, SessionVerb>> = { created: "start", paused: "resume", failed: "reopen" };

function nothingToResume(session: Row): PerdureError {
  return new PerdureError("wrong-state", {
    message: `Session ${text(session.name)} is ${text(session.status)}; nothing is left to resume in it`,
    hint: "Start a new one: `perdure run PLAN`.",
    details: { sessionId: session.id, status: session.status },
  });
}

function* tasksWhere(context: CommandContext, sessionId: SessionId, condition: string): Command<readonly Row[]> {
  const sql = `select project_id, ${columnsOf(TASKS)} from tasks where project_id = ? and session_id = ? and ${condition} order by seq`;
  return yield* rows(sql, context.projectId, sessionId);
}

/**
 * Completes a session whose tasks are all done, and fails one in which something failed and nothing more can run.
 * Changes nothing while work is left or someone is waited for. Returns the session as it is now.
 */
export const settleSession = notingReady(
  defineWrite("settle-session", function* (context, input: { readonly sessionId: SessionId }): Command<Session> {
    const session = yield* sessionRow(context, input.sessionId);
    if (session.status !== "active" || (yield* hasWork(context, input.sessionId))) return yield* loadSession(session);
    const { byStatus, byBlockedReason } = yield* countTasks(context, input.sessionId);
    const isStuckBehindFailure =
      byStatus.blocked === (byBlockedReason.dependencies ?? 0) + (byBlockedReason.dependency_failed ?? 0);
    if (!isStuckBehindFailure) return yield* loadSession(session);
    // Also behind a dependency that was cancelled nothing can run any more.
    if (byStatus.failed + (byBlockedReason.dependency_failed ?? 0) > 0) {
      const note = `${byStatus.failed} failed, ${byStatus.blocked} blocked behind what did not complete`;
      return yield* loadSession(yield* changeSessionStatus(context, session, "fail", note));
    }
    if (byStatus.blocked > 0 || byStatus.completed + byStatus.cancelled === 0) return yield* loadSession(session);
    return yield* loadSession(yield* changeSessionStatus(context, session, "complete"));
  }),
);

/** Whether anything is pending or in progress: looked for by itself, as counting reads all tasks of a session. */
function* hasWork(context: CommandContext, sessionId: SessionId): Command<boolean> {
  const sql =
    "select id from tasks where project_id = ? and session_id = ? and status in ('pending', 'in_progress') limit 1";
  return (yield* oneRow(sql, context.projectId, sessionId)) !== null;
}

/** Remembers that somebody was told how the session ended. Nothing happens to one that goes on. */
export const markEndTold = defineWrite(
  "mark-end-told",
  function* (context, input: { readonly sessionId: SessionId }): Command<void> {
    const session = yield* sessionRow(context, input.sessionId);
    if (session.ended_at === null || session.end_told_at !== null) return;
    yield* updateRow(context, SESSIONS, session, { verb: "tell", patch: { end_told_at: context.now } });
  },
);

export const renameSession = defineWrite(
  "rename-session",
  function* (context, input: { readonly sessionId: SessionId; readonly name: string }): Command<Session> {
    const session = yield* sessionRow(context, input.sessionId);
    return yield* loadSession(
      yield* updateRow(context, SESSIONS, session, {
        verb: "edit",
        patch: { name: input.name, updated_at: context.now },
      }),
    );
  },
);
