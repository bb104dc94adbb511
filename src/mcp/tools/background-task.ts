/** `create_background_task` */

import * as v from "valibot";

import { PerdureError } from "../../base/errors.ts";
import { TASK_STATUSES } from "../../domain/task.ts";
import type { TaskJson } from "../../operations/json/task.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { runOperation } from "../../operations/operation.ts";
import { taskAdd } from "../../operations/task-add.ts";
import { waitForTask } from "../../operations/task-wait.ts";
import { ANSWER_LIMITS } from "../answer-limits.ts";
import type { McpCall } from "../surface.ts";
import { showTask, statusWords, taskStatusSchema, toTaskStatus } from "../task-status.ts";
import { taskLine } from "../task-words.ts";
import { toTaskHandle } from "../task-extension.ts";
import type { ToolAnswer } from "../tool.ts";
import { answer, defineTool } from "../tool.ts";
import { taskId } from "./task-arguments.ts";
import { reportTo } from "./task-status.ts";

const schedule = v.pipe(
  v.union([
    v.string(),
    v.strictObject({
      type: v.picklist(["daily", "cron", "every", "in", "at"]),
      time: v.optional(v.string()),
      cron: v.optional(v.string()),
      every: v.optional(v.string()),
      in: v.optional(v.string()),
      at: v.optional(v.string()),
      timezone: v.optional(v.string()),
    }),
  ]),
  v.description(
    '{type:"daily",time:"07:00"}, or a text: "every 15m", "in 2h", "at 2026-12-01T09:00:00Z", "cron 0 7 * * 1-5"',
  ),
);

const input = v.strictObject({
  title: v.string(),
  description: v.optional(v.string()),
  priority: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10), v.description("10 is most urgent")),
  ),
  task_type: v.optional(v.picklist(["oneshot", "recurring", "scheduled"])),
  schedule: v.optional(schedule),
  depends_on: v.optional(v.array(taskId)),
  run: v.optional(v.pipe(v.string(), v.description("shell line a worker runs"))),
  executor: v.optional(
    v.pipe(v.string(), v.description("without run or executor an agent does it, through next_task")),
  ),
  input: v.optional(v.pipe(v.unknown(), v.description("for the executor"))),
  key: v.optional(v.pipe(v.string(), v.description("a short name; one that exists is refused"))),
  session: v.optional(v.string()),
  wait: v.optional(v.pipe(v.boolean(), v.description("answer when it has ended")), false),
});

type Said = v.InferOutput<typeof input>;

const output = v.object({
  success: v.boolean(),
  task_id: v.string(),
  status: v.picklist(TASK_STATUSES),
  session_id: v.string(),
  run_at: v.optional(v.string()),
  outcome: v.optional(v.omit(taskStatusSchema, ["task_id", "title", "key", "status", "run_at"])),
});

type Created = v.InferInput<typeof output>;

export const createBackgroundTask = defineTool({
  name: "create_background_task",
  description:
    "Records a task durably: work for later, on a schedule, or for a worker. get_task_status tells what came of it.",
  annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: true },
  input,
  output,
  beforeProject: "begins",
  async run(context, said, call) {
    const task = await runOperation(taskAdd, context, { input: toTaskAdd(said) });
    if (!said.wait) return answer(createdData(task), createdWords(task));
    if (call.client.takesTasks) return { kind: "reply", reply: toTaskHandle(task) };
    return await waited(context, task, call);
  },
});

/** The call may be cancelled while it waits; the task goes on. */
async function waited(context: OperationContext, { id }: TaskJson, call: McpCall): Promise<ToolAnswer<Created>> {
  const timeoutMs = ANSWER_LIMITS.waitSeconds * 1_000;
  await waitForTask(context, { taskId: id, timeoutMs, signal: call.signal, onChange: reportTo(call) });
  const task = await showTask(context, id);
  const status = await toTaskStatus(task);
  const { task_id: _id, title: _title, key: _key, status: _status, run_at: _runAt, ...outcome } = status;
  return answer({ ...createdData(task), outcome }, statusWords(task, status));
}

function toTaskAdd({ depends_on: needs, wait: _wait, task_type: type, run, executor, input: given, ...said }: Said) {
  refuseUnfitting(type, said.schedule);
  return {
    ...said,
    ...workOf({ run, executor, input: given }),
    ...(said.schedule === undefined || typeof said.schedule === "string" ? {} : { schedule: pick(said.schedule) }),
    needs: needs ?? [],
  };
}

/** `executor: "command"` is said with its line in one of two places. */
function workOf({ run, executor, input: given }: Pick<Said, "run" | "executor" | "input">) {
  const isCommand = run !== undefined && (executor === undefined || executor === "command");
  return {
    ...(run === undefined ? {} : { run }),
    ...(executor === undefined || isCommand ? {} : { executor }),
    ...(given === undefined ? {} : { input: given }),
  };
}

/** The fields that belong to its type, so that an empty one beside them does no harm. */
function pick(said: Exclude<NonNullable<Said["schedule"]>, string>): Record<string, string> {
  const field = said.type === "daily" ? "time" : said.type;
  const value = said[field];
  if (value === undefined || value === "") {
    throw new PerdureError("invalid-input", {
      message: `A schedule of type ${said.type} needs ${field}`,
      hint: 'Write such as {type:"daily",time:"07:00"} or {type:"every",every:"15m"}.',
    });
  }
  const takesZone = said.type === "daily" || said.type === "cron";
  return { type: said.type, [field]: value, ...(takesZone && said.timezone ? { timezone: said.timezone } : {}) };
}

function refuseUnfitting(type: Said["task_type"], said: Said["schedule"]): void {
  if (type === "oneshot" && said !== undefined) {
    throw new PerdureError("invalid-input", {
      message: "A oneshot task takes no schedule",
      hint: "Leave the schedule out, or say task_type recurring or scheduled.",
    });
  }
  if ((type === "recurring" || type === "scheduled") && said === undefined) {
    throw new PerdureError("invalid-input", {
      message: `A ${type} task needs a schedule`,
      hint: 'Add one, such as {type:"daily",time:"07:00"} or "in 2h".',
    });
  }
  const kind = typeof said === "string" ? said.trim().split(/\s+/)[0] : said?.type;
  if (type === "recurring" && (kind === "in" || kind === "at")) {
    throw new PerdureError("invalid-input", {
      message: `A recurring task does not run ${kind} one time only`,
      hint: "Give it a schedule of type daily, cron or every, or say task_type scheduled.",
    });
  }
}

function createdData(task: TaskJson): Created {
  return {
    success: true,
    task_id: task.id,
    status: task.status,
    session_id: task.sessionId,
    ...(task.schedule === null || task.runAt === null ? {} : { run_at: task.runAt }),
  };
}

function createdWords(task: TaskJson): string {
  const due = task.schedule === null || task.runAt === null ? "" : `; first due ${task.runAt}`;
  return `Recorded ${taskLine(task)}${due} (id ${task.id})`;
}
