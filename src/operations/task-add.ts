/** Adds a single task. */

import * as v from "valibot";

import { assert } from "../base/assert.ts";
import { PerdureError } from "../base/errors.ts";
import { CATCH_UPS, OVERLAPS } from "../domain/schedule.ts";
import { COMMAND_EXECUTOR, MANUAL_EXECUTOR } from "../domain/task.ts";
import { toNewTask } from "../engine/new-task.ts";
import { createFirstTasks } from "../store/commands/first-tasks.ts";
import { createTasks } from "../store/commands/create-tasks.ts";
import { resolveTask } from "../store/commands/task-queries.ts";
import { taskNow } from "./after-change.ts";
import { isBuiltInExecutor, refuseUnknownExecutor } from "./executor-names.ts";
import {
  labelsInput,
  limitInput,
  priorityInput,
  retriesInput,
  sessionReference,
  taskReference,
  timeoutInput,
  titleInput,
  weightInput,
} from "./json/inputs.ts";
import { taskSchema } from "./json/task.ts";
import { defaultSession, findSessionFor } from "./open-session.ts";
import { defineOperation } from "./operation.ts";
import { firstOccurrence } from "./plan-tasks.ts";
import { parseSchedule, scheduleInput } from "./schedule-text.ts";
import { toTimeoutMs } from "./timeout.ts";

const input = v.object({
  title: titleInput,
  description: v.optional(v.nullable(v.string()), null),
  /** A shell line. One of `run`, `manual` and `executor`; without any, a person does it. */
  run: v.optional(v.string()),
  /** Instructions for a person or an agent. */
  manual: v.optional(v.string()),
  executor: v.optional(v.pipe(v.string(), v.nonEmpty("is empty"))),
  /** What the executor gets. */
  input: v.optional(v.unknown()),
  priority: v.optional(priorityInput),
  needs: v.optional(v.array(taskReference), []),
  parent: v.optional(v.nullable(taskReference), null),
  key: v.optional(v.nullable(v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"))), null),
  retries: v.optional(retriesInput),
  timeout: v.optional(timeoutInput),
  schedule: v.optional(v.nullable(scheduleInput), null),
  overlap: v.optional(v.picklist(OVERLAPS)),
  catchUp: v.optional(v.picklist(CATCH_UPS)),
  weight: v.optional(weightInput),
  /** A worker must have all of them to run it. */
  labels: v.optional(labelsInput, []),
  limit: v.optional(v.nullable(limitInput), null),
  /** Without one: the newest session that is open, else one named `tasks`. */
  session: sessionReference,
});

type TaskAdd = v.InferOutput<typeof input>;

export const taskAdd = defineOperation({
  name: "task-add",
  summary: "Adds a task to the open session, or to the one named.",
  input,
  output: taskSchema,
  async run(context, said) {
    const work = workOf(said);
    if (!isBuiltInExecutor(work.executor)) {
      const known = await context.loadExecutors();
      refuseUnknownExecutor({ executor: work.executor, task: `Task ${said.title}` }, new Set(known.keys()));
    }
    const now = context.clock.now();
    const schedule = said.schedule === null ? null : parseSchedule(said.schedule);
    const scheduledFor = await firstOccurrence(said.title, schedule, now);
    const sessionId = await findSessionFor(context, said.session);
    const find = (reference: string) => context.store.execute(resolveTask, { reference, sessionId });
    const needs = await Promise.all(said.needs.map(find));
    const parent = said.parent === null ? null : await find(said.parent);
    const { retry, worker } = context.config;
    const commandTimeoutMs = work.executor === COMMAND_EXECUTOR ? worker.commandTimeoutMs : null;
    const { title, description, key, priority, weight, overlap, catchUp, labels, limit } = said;
    const task = toNewTask(
      {
        ref: key ?? "new",
        ...work,
        title,
        description,
        key,
        priority,
        weight,
        labels,
        limit: limit === "none" ? null : limit,
        needs,
        parent,
        schedule,
        scheduledFor,
        ...(overlap === undefined ? {} : { overlap }),
        ...(catchUp === undefined ? {} : { catchUp }),
        maxRetries: said.retries ?? retry.maxRetries,
        retry: retry.policy,
        timeout: said.timeout === undefined ? commandTimeoutMs : toTimeoutMs(said.timeout),
      },
      now,
    );
    const tasks = [task];
    const [created] = await (sessionId === null
      ? context.store.execute(createFirstTasks, { session: defaultSession(context), tasks })
      : context.store.execute(createTasks, { sessionId, tasks }));
    assert(created !== undefined, "one task in makes one task");
    return await taskNow(context, created.id);
  },
});

function workOf(said: TaskAdd): { readonly executor: string; readonly input: unknown } {
  const kinds = (["run", "manual", "executor"] as const).filter((kind) => said[kind] !== undefined);
  if (kinds.length > 1) {
    throw new PerdureError("invalid-input", {
      message: `A task does one thing, and this one says ${kinds.join(" and ")}`,
      hint: "Make two tasks of it, the second of which needs the first.",
    });
  }
  if (said.input !== undefined && said.executor === undefined) {
    throw new PerdureError("invalid-input", {
      message: "input goes with executor, which is not said",
      hint: "Name the executor that gets the input.",
    });
  }
  if (said.run?.trim() === "") {
    throw new PerdureError("invalid-input", { message: "run is empty", hint: "It takes a shell line." });
  }
  if (said.run !== undefined) return { executor: COMMAND_EXECUTOR, input: { run: said.run } };
  if (said.executor !== undefined) return { executor: said.executor, input: said.input ?? null };
  return { executor: MANUAL_EXECUTOR, input: said.manual === undefined ? null : { instructions: said.manual } };
}
