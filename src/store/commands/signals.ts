/** Signals: what a waiting task is told from outside. */

import { PerdureError } from "../../base/errors.ts";
import type { SignalId, TaskId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import { isTerminalTask } from "../../domain/task.ts";
import type { TaskStatus } from "../../domain/task.ts";
import type { Command } from "../command.ts";
import { defineWrite, oneRow } from "../command.ts";
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
  const task = yield* taskRow(context, input.taskId);
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
});
