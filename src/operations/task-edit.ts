/** Changes what a task is. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import { findInstant } from "../base/instant.ts";
import { isJsonObject } from "../base/json.ts";
import { toLabelSet } from "../domain/labels.ts";
import { LIMITS } from "../domain/limits.ts";
import type { TaskDetail } from "../domain/task.ts";
import { COMMAND_EXECUTOR } from "../domain/task.ts";
import { kindOf } from "../engine/new-task.ts";
import { parseTaskLimit } from "../engine/task-limit-input.ts";
import type { TaskEdit } from "../store/commands/edit-task.ts";
import { editTask } from "../store/commands/edit-task.ts";
import { getTask, resolveTask } from "../store/commands/task-queries.ts";
import { taskNow } from "./after-change.ts";
import {
  labelsInput,
  limitInput,
  priorityInput,
  retriesInput,
  taskReference,
  timeoutInput,
  titleInput,
  weightInput,
} from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { defineOperation } from "./operation.ts";
import { findTaskId } from "./references.ts";
import { toTimeoutMs } from "./timeout.ts";

const input = v.object({
  task: taskReference,
  title: v.optional(v.pipe(titleInput, v.maxLength(LIMITS.titleChars))),
  description: v.optional(v.nullable(v.pipe(v.string(), v.maxBytes(LIMITS.descriptionBytes)))),
  priority: v.optional(priorityInput),
  weight: v.optional(weightInput),
  /** Replace those before. */
  labels: v.optional(labelsInput),
  limit: v.optional(v.nullable(limitInput)),
  retries: v.optional(retriesInput),
  timeout: v.optional(timeoutInput),
  /** An ISO 8601 instant with its offset. */
  runAt: v.optional(v.string()),
  /** Replaces those before. */
  needs: v.optional(v.array(taskReference)),
  /** The shell line of a command. */
  run: v.optional(v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"))),
});

type Said = Omit<v.InferOutput<typeof input>, "task" | "needs">;

export const taskEdit = defineOperation({
  name: "task-edit",
  summary: "Changes a task; what it does and needs only before it has run.",
  input,
  output: taskSchema,
  async run(context, { task: reference, needs, ...said }) {
    const taskId = await findTaskId(context, reference);
    const task = await context.store.execute(getTask, { taskId });
    const edit = editOf(task, said);
    if (needs === undefined && Object.keys(edit).length === 0) {
      throw new PerdureError("invalid-input", {
        message: "Nothing to change is said",
        hint: "Give a title, description, priority, weight, labels, limit, retries, timeout, runAt, needs or run.",
      });
    }
    const { sessionId } = task;
    const find = (need: string) => context.store.execute(resolveTask, { reference: need, sessionId });
    const replaced = needs === undefined ? {} : { needs: await Promise.all(needs.map(find)) };
    await context.store.execute(editTask, { taskId, edit: { ...edit, ...replaced } });
    return await taskNow(context, taskId);
  },
});

function editOf(
  task: TaskDetail,
  { title, description, priority, weight, labels, limit, retries, timeout, runAt, run }: Said,
): TaskEdit {
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(priority === undefined ? {} : { priority }),
    ...(weight === undefined ? {} : { weight }),
    ...(labels === undefined ? {} : { labels: toLabelSet(labels) }),
    ...(limit === undefined ? {} : { limit: parseTaskLimit("The limit", limit === "none" ? null : limit) }),
    ...(retries === undefined ? {} : { maxRetries: retries }),
    ...(timeout === undefined ? {} : { timeoutMs: toTimeoutMs(timeout) }),
    ...(runAt === undefined ? {} : { runAt: instantOf(runAt) }),
    ...(run === undefined ? {} : workOf(task, run)),
  };
}

function workOf({ executor, input: before, key, title }: TaskDetail, run: string): Pick<TaskEdit, "input" | "kind"> {
  if (executor !== COMMAND_EXECUTOR || !isJsonObject(before)) {
    throw new PerdureError("invalid-input", {
      message: `Task ${key ?? title} is no command: its executor is ${executor}`,
      hint: "Cancel it and add a task with --run in its place.",
    });
  }
  const changed = { ...before, run };
  return { input: changed, kind: kindOf(executor, changed) };
}

function instantOf(said: string): number {
  const at = findInstant(said);
  if (at !== null) return at;
  throw new PerdureError("invalid-input", {
    message: `runAt is no instant with its offset: ${JSON.stringify(said)}`,
    hint: "Write it as 2026-12-01T09:00:00Z or 2026-12-01T10:00:00+01:00.",
  });
}
