/** What a session has come to, in numbers. Reads all of its log, so it is not for what must be quick. */

import type { Millis } from "../../base/clock.ts";
import { isJsonObject, parseStoredJson } from "../../base/json.ts";
import type { ExecutionStatus } from "../../domain/execution.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { MessageTotals } from "../../domain/message.ts";
import type { Session } from "../../domain/session.ts";
import type { TaskStatus } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { messageTotals } from "./messages.ts";
import { countTasks } from "./session-queries.ts";
import { loadSession, sessionRow } from "./session-rows.ts";

export interface SessionStatistics {
  readonly session: Session;
  readonly tasks: Readonly<Record<TaskStatus, number>>;
  /** From the start to the completion of the tasks that completed. */
  readonly taskDurations: {
    readonly totalMs: number;
    readonly meanMs: number | null;
    readonly longestMs: number | null;
  };
  readonly executions: Readonly<Record<ExecutionStatus, number>>;
  readonly attempts: number;
  /** Attempts after the first of an execution. */
  readonly retries: number;
  readonly steps: number;
  readonly messages: MessageTotals;
  readonly memory: { readonly entries: number; readonly sizeBytes: number };
  readonly checkpoints: number;
  readonly artifacts: { readonly count: number; readonly sizeBytes: number };
  /** Entries of the change log. */
  readonly changes: number;
  /** How long it was active, all periods together. */
  readonly activeMs: number;
}

export const getSessionStatistics = defineRead(
  "get-session-statistics",
  function* (context, input: { readonly sessionId: SessionId }): Command<SessionStatistics> {
    const { sessionId } = input;
    const session = yield* loadSession(yield* sessionRow(context, sessionId));
    const of = (table: string, columns: string, more = ""): Command<Row | null> =>
      oneRow(
        `select ${columns} from ${table} where project_id = ? and session_id = ?${more}`,
        context.projectId,
        sessionId,
      );
    const durations = yield* of(
      "tasks",
      "count(*) as n, coalesce(sum(completed_at - started_at), 0) as total, max(completed_at - started_at) as longest",
      " and status = 'completed' and started_at is not null",
    );
    const attempts = yield* of("executions", "coalesce(sum(attempt), 0) as n, count(*) as executions");
    const memory = yield* of("memory", "count(*) as n, coalesce(sum(size_bytes), 0) as bytes");
    const artifacts = yield* of("artifacts", "count(*) as n, coalesce(sum(size_bytes), 0) as bytes");
    const completed = integer(durations?.n);
    return {
      session,
      tasks: (yield* countTasks(context, sessionId)).byStatus,
      taskDurations: {
        totalMs: integer(durations?.total),
        meanMs: completed === 0 ? null : Math.round(integer(durations?.total) / completed),
        longestMs: completed === 0 ? null : integer(durations?.longest),
      },
      executions: yield* countExecutions(context, sessionId),
      attempts: integer(attempts?.n),
      retries: integer(attempts?.n) - integer(attempts?.executions),
      steps: integer((yield* of("steps", "count(*) as n"))?.n),
      messages: yield* messageTotals(context, sessionId),
      memory: { entries: integer(memory?.n), sizeBytes: integer(memory?.bytes) },
      checkpoints: integer((yield* of("checkpoints", "count(*) as n"))?.n),
      artifacts: { count: integer(artifacts?.n), sizeBytes: integer(artifacts?.bytes) },
      changes: integer((yield* of("changes", "count(*) as n"))?.n),
      activeMs: yield* activeTime(context, sessionId),
    };
  },
);

function* countExecutions(
  context: CommandContext,
  sessionId: SessionId,
): Command<Readonly<Record<ExecutionStatus, number>>> {
  const counts = { running: 0, suspended: 0, interrupted: 0, completed: 0, failed: 0 };
  const sql = "select status, count(*) as n from executions where project_id = ? and session_id = ? group by status";
  for (const row of yield* rows(sql, context.projectId, sessionId))
    counts[text(row.status) as ExecutionStatus] = integer(row.n);
  return counts;
}

/** By what the log says of the session's status. */
function* activeTime(context: CommandContext, sessionId: SessionId): Command<number> {
  const sql = `select at, after from changes
    where project_id = ? and session_id = ? and entity = 'sessions' and after is not null order by seq`;
  let activeMs = 0;
  let since: Millis | null = null;
  for (const change of yield* rows(sql, context.projectId, sessionId)) {
    const after = parseStoredJson(text(change.after), "the change log");
    if (!isJsonObject(after) || after.status === undefined) continue;
    const at = integer(change.at);
    if (since !== null) activeMs += at - since;
    since = after.status === "active" ? at : null;
  }
  return activeMs + (since === null ? 0 : context.now - since);
}
