/** Signals: what a waiting task is told from outside. */

import { PerdureError } from "../../base/errors.ts";
import { parseStoredJson } from "../../base/json.ts";
import type { SignalId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { StepKind } from "../../domain/step.ts";
import { isTerminalTask } from "../../domain/task.ts";
import type { TaskStatus } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineWrite, oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";
import { insertRow, updateRow } from "../rows.ts";
import { SIGNALS, TASKS } from "../tables.ts";
import { storeValue } from "../values.ts";
import { nameOfTask } from "./dependencies.ts";
import { taskRow } from "./task-rows.ts";

export interface SendSignal {
  readonly taskId: TaskId;
  readonly name: string;
  readonly payload: unknown;
}

/** Keeps the signal until the task takes it, and wakes the task if it waits. A signal sent before the task asks is not lost. */
export const sendSignal = defineWrite("send-signal", function* (context, input: SendSignal): Command<SignalId> {
  return yield* deliverSignal(context, yield* taskRow(context, input.taskId), input);
});

function* deliverSignal(context: CommandContext, task: Row, input: SendSignal): Command<SignalId> {
  if (isTerminalTask(text(task.status) as TaskStatus)) {
    throw new PerdureError("wrong-state", {
      message: `Task ${nameOfTask(task)} is ${text(task.status)} and takes no signals`,
      hint: "`perdure task retry` opens it again.",
      details: { taskId: input.taskId },
    });
  }
  const waiting = yield* oneRow(
    "select count(*) as n from signals where project_id = ? and task_id = ? and consumed_at is null",
    context.projectId,
    input.taskId,
  );
  if (integer(waiting?.n) >= LIMITS.signalsPerTask) {
    throw new PerdureError("limit-reached", {
      message: `Task ${nameOfTask(task)} has ${LIMITS.signalsPerTask} signals it has not taken yet`,
      hint: "Let it take some first.",
    });
  }
  const values = {
    id: context.uuid(),
    session_id: text(task.session_id),
    task_id: input.taskId,
    name: input.name,
    payload: yield* storeValue(input.payload, `Signal ${input.name}`),
    created_at: context.now,
    consumed_at: null,
  };
  const row = yield* insertRow(context, SIGNALS, values, { verb: "send" });
  if (task.status === "blocked" && task.blocked_reason === "waiting") {
    const patch = {
      status: "pending",
      blocked_reason: null,
      blocked_note: null,
      waiting_on: 0,
      run_at: context.now,
      updated_at: context.now,
    };
    yield* updateRow(context, TASKS, task, { verb: "unblock", note: `signal ${input.name}`, patch });
  }
  return asId(text(row.id));
}

export interface AnswerApproval {
  readonly taskId: TaskId;
  readonly approved: boolean;
  readonly comment: string | null;
  /** Who answers; `null` when nobody said. */
  readonly by: string | null;
}

/**
 * Answers the question a task waits with, the oldest first. Answered once: a second answer is refused, so that it is not
 * taken for one to the next question. Returns the question.
 *
 * @throws PerdureError `wrong-state` when no question is open.
 */
export const answerApproval = defineWrite(
  "answer-approval",
  function* (context, { taskId, approved, comment, by }: AnswerApproval): Command<string> {
    const task = yield* taskRow(context, taskId);
    const asked =
      task.execution_id === null
        ? []
        : yield* rows(ASKED_SQL, context.projectId, text(task.execution_id), '{"type":"approval"%');
    for (const row of isTerminalTask(text(task.status) as TaskStatus) ? [] : asked) {
      const kind = parseStoredJson(text(row.kind), "a step's kind") as unknown as ApprovalKind;
      const unread = yield* oneRow(UNREAD_SQL, context.projectId, taskId, kind.signal);
      if (unread !== null) continue;
      const payload = { approved, ...(comment === null ? {} : { comment }), ...(by === null ? {} : { by }) };
      yield* deliverSignal(context, task, { taskId, name: kind.signal, payload });
      return kind.question;
    }
    throw new PerdureError("wrong-state", {
      message: `Task ${nameOfTask(task)} waits for no approval`,
      hint: "`perdure task show` tells its state; an answer that was given is taken when the task goes on.",
      details: { taskId, status: task.status },
    });
  },
);

type ApprovalKind = Extract<StepKind, { type: "approval" }>;

const ASKED_SQL = `select kind from steps
  where project_id = ? and execution_id = ? and status = 'started' and kind like ? order by position`;
const UNREAD_SQL =
  "select id from signals where project_id = ? and task_id = ? and name = ? and consumed_at is null limit 1";
