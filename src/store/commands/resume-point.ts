/** Where a session would go on: its tasks that have begun and not ended, each with the step it had reached. Reads only. */

import type { ExecutionId, SessionId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Session } from "../../domain/session.ts";
import type { TaskStatus } from "../../domain/task.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { countTasks } from "./session-queries.ts";
import { loadSession, sessionRow } from "./session-rows.ts";

/**
 * `running`: somebody has it, or had it and is gone. `interrupted`: goes on when the session is resumed. `begun`: ready, and
 * goes on where it was. `waiting`: goes on by itself or when somebody does something. `failed`: is tried again. `ready`: begins.
 */
export type ResumeKind = "running" | "interrupted" | "begun" | "waiting" | "failed" | "ready";

export interface ResumeTask {
  readonly kind: ResumeKind;
  readonly taskId: TaskId;
  readonly key: string | null;
  readonly title: string;
  readonly executionId: ExecutionId | null;
  readonly attempt: number | null;
  /** Steps that are recorded and are not done again. */
  readonly recordedSteps: number;
  /** The newest step of its journal, and how it stands; `null` before its first. */
  readonly step: { readonly name: string; readonly status: string } | null;
}

export interface ResumePoint {
  readonly session: Session;
  readonly counts: Readonly<Record<TaskStatus, number>>;
  /** The most urgent first within each kind, in the order of the kinds. */
  readonly tasks: readonly ResumeTask[];
}

export const getResumePoint = defineRead(
  "get-resume-point",
  function* (context, input: { readonly sessionId: SessionId; readonly limit: number }): Command<ResumePoint> {
    const session = yield* loadSession(yield* sessionRow(context, input.sessionId));
    const tasks: ResumeTask[] = [];
    for (const [kind, condition] of KINDS) {
      const left = input.limit - tasks.length;
      if (left <= 0) break;
      const sql = `select t.id as id, t.key as key, t.title as title, t.execution_id as execution_id, e.attempt as attempt
        from tasks t left join executions e on e.project_id = t.project_id and e.id = t.execution_id
        where t.project_id = ? and t.session_id = ? and t.executor <> ? and ${condition}
        order by t.priority desc, t.run_at, t.seq limit ?`;
      for (const row of yield* rows(sql, context.projectId, input.sessionId, GROUP_EXECUTOR, left))
        tasks.push(yield* resumeTask(context, kind, row));
    }
    return { session, counts: (yield* countTasks(context, input.sessionId)).byStatus, tasks };
  },
);

const KINDS: readonly (readonly [ResumeKind, string])[] = [
  ["running", "t.status = 'in_progress'"],
  ["interrupted", "t.status = 'blocked' and t.blocked_reason = 'interrupted' and t.blocked_note is null"],
  ["begun", "t.status = 'pending' and t.execution_id is not null"],
  [
    "waiting",
    `t.status = 'blocked' and (t.blocked_reason in ('waiting', 'unknown_outcome', 'budget')
      or t.blocked_reason = 'interrupted' and t.blocked_note is not null)`,
  ],
  ["failed", "t.status = 'failed'"],
  ["ready", "t.status = 'pending' and t.execution_id is null"],
];

function* resumeTask(context: CommandContext, kind: ResumeKind, row: Row): Command<ResumeTask> {
  const executionId = textOrNull(row.execution_id);
  const of = [context.projectId, executionId] as const;
  const step = yield* oneRow(
    "select name, status from steps where project_id = ? and execution_id = ? order by position desc limit 1",
    ...of,
  );
  const recorded = yield* oneRow(
    "select count(*) as n from steps where project_id = ? and execution_id = ? and status = 'completed'",
    ...of,
  );
  return {
    kind,
    taskId: asId(text(row.id)),
    key: textOrNull(row.key),
    title: text(row.title),
    executionId: executionId === null ? null : asId(executionId),
    attempt: row.attempt === null ? null : integer(row.attempt),
    recordedSteps: integer(recorded?.n),
    step: step === null ? null : { name: text(step.name), status: text(step.status) },
  };
}
