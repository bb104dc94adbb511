/** `perdure.tasks`: creating, reading and steering tasks from code. */

import { assert } from "../base/assert.ts";
import type { Millis } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { toJsonText } from "../base/json.ts";
import type { StandardSchemaV1 } from "../base/standard-schema.ts";
import type { SessionId, TaskId } from "../domain/ids.ts";
import type { CatchUp, Overlap, Schedule } from "../domain/schedule.ts";
import type { DependencyFailurePolicy, Task, TaskDetail, TaskStatus } from "../domain/task.ts";
import { toNewTask } from "../engine/new-task.ts";
import type { TaskLimitInput } from "../engine/task-limit-input.ts";
import { nextOccurrenceAfter } from "../engine/occurrences.ts";
import { refuseInvalidInput } from "../executors/task-input.ts";
import { fromCursor, toCursor } from "../operations/json/page.ts";
import { firstOccurrence } from "../operations/plan-tasks.ts";
import { createTasks } from "../store/commands/create-tasks.ts";
import { sendSignal } from "../store/commands/signals.ts";
import { resolveUnknownSteps } from "../store/commands/steps.ts";
import { cancelTask, finishTask, requestInterrupt, retryTask } from "../store/commands/task-actions.ts";
import { getTask, listTasks, resolveTask } from "../store/commands/task-queries.ts";
import type { NewTask } from "../store/new-task.ts";
import { defaultSessionId } from "./default-session.ts";
import type { Page } from "./library-sessions.ts";
import { checkedCalls } from "./checked-calls.ts";
import { TASK_SHAPES } from "./library-shapes.ts";
import type { Project } from "./open-project.ts";
import type { TaskKind } from "./perdure.ts";

export interface CreateTask<Input = unknown> {
  readonly title: string;
  /** A name given to `define`, what `define` returned, `command` or `manual`. */
  readonly executor: string | TaskKind<Input>;
  readonly input?: Input;
  readonly description?: string;
  /** 1–10, higher is more urgent. Default 5. */
  readonly priority?: number;
  /** Unique in its session. */
  readonly key?: string;
  /** Default: the project's default session. */
  readonly session?: SessionId;
  /** A task this is part of, by key or id. */
  readonly parent?: string;
  /** Tasks that must complete first, by key or id. */
  readonly needs?: readonly string[];
  /** Its share in the progress of its parent and session. Default 1. */
  readonly weight?: number;
  /** Default: as configured, else 3. */
  readonly maxRetries?: number;
  /** For one attempt. A number is milliseconds. Default: none. */
  readonly timeout?: number | string;
  /** Default `block`. */
  readonly onDependencyFailure?: DependencyFailurePolicy;
  readonly schedule?: Schedule;
  readonly overlap?: Overlap;
  readonly catchUp?: CatchUp;
  /** Not before this, in epoch milliseconds. */
  readonly runAt?: Millis;
  /** A worker must have all of them to run it. Default: none. */
  readonly labels?: readonly string[];
  /** What it shares with other tasks of the same key, over all workers of the store; a text is the key, and then one runs at a time. */
  readonly limit?: string | TaskLimitInput;
  readonly context?: JsonObject;
}

export interface TaskFilter {
  readonly session?: SessionId;
  readonly statuses?: readonly TaskStatus[];
  readonly minPriority?: number;
  readonly parent?: TaskId;
  /** In title, description or key, whatever the case. */
  readonly search?: string;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null;
  /** Default 20. */
  readonly limit?: number;
}

export interface Tasks {
  /**
   * Creates a task; when this resolves it is durable.
   *
   * @throws PerdureError `invalid-input`, `invalid-plan` for a reference that leads nowhere, `conflict` for a key that is taken, `limit-reached`
   */
  create<Input>(task: CreateTask<Input>): Promise<Task>;
  /** Creates tasks whole or not at all. They may need each other, by key. */
  createAll(tasks: readonly CreateTask[], options?: { readonly session?: SessionId }): Promise<readonly Task[]>;
  /** By id, the beginning of one, or key. @throws PerdureError `not-found` */
  get(reference: string): Promise<TaskDetail>;
  /** In order of creation, a page at a time. */
  list(filter?: TaskFilter): Promise<Page<TaskDetail>>;
  /** Cancels a task and what is below it; a running one is stopped. */
  cancel(reference: string, reason?: string): Promise<TaskDetail>;
  /** Lets a failed, cancelled or interrupted task be tried again, from its journal. */
  retry(reference: string): Promise<TaskDetail>;
  /** Stops a running task gracefully at its next step boundary; `retry` continues it. */
  interrupt(reference: string): Promise<TaskDetail>;
  /** Completes a task that somebody carried out. */
  complete(reference: string, result?: unknown): Promise<TaskDetail>;
  /** Sends a signal to a task, whether or not it waits for it yet. */
  signal(reference: string, name: string, payload?: unknown): Promise<void>;
  /** Says what became of an effect whose outcome is unknown. `result` is what the step would have returned. */
  resolve(reference: string, decision: "done" | "retry" | "skip", result?: unknown): Promise<TaskDetail>;
}

export function libraryTasks(project: Project, schemas: ReadonlyMap<string, StandardSchemaV1>): Tasks {
  const { store } = project;
  const find = (reference: string): Promise<TaskId> => store.execute(resolveTask, { reference, sessionId: null });
  const get = async (taskId: TaskId): Promise<TaskDetail> => await store.execute(getTask, { taskId });
  const create = async (tasks: readonly CreateTask[], session: SessionId | undefined): Promise<readonly Task[]> => {
    const sessionId = session ?? (await defaultSessionId(project));
    const newTasks: NewTask[] = [];
    for (const [index, task] of tasks.entries())
      newTasks.push(await prepare(project, schemas, { task, ref: task.key ?? `#${index}` }));
    return await store.execute(createTasks, { sessionId, tasks: newTasks });
  };
  const api: Tasks = {
    async create(task) {
      const [created] = await create([task], task.session);
      assert(created !== undefined, "one task in makes one task");
      return created;
    },
    createAll: (tasks, options) => create(tasks, options?.session),
    get: async (reference) => await get(await find(reference)),
    async list(filter = {}) {
      const { tasks, next } = await store.execute(listTasks, {
        sessionId: filter.session ?? null,
        statuses: filter.statuses ?? null,
        minPriority: filter.minPriority ?? null,
        parentId: filter.parent ?? null,
        search: filter.search ?? null,
        after: fromCursor(filter.cursor ?? null),
        limit: filter.limit ?? 20,
      });
      return { items: tasks, nextCursor: toCursor(next) };
    },
    async cancel(reference, reason) {
      const taskId = await find(reference);
      await store.execute(cancelTask, { taskId, note: reason ?? null });
      return await get(taskId);
    },
    async retry(reference) {
      const taskId = await find(reference);
      await store.execute(retryTask, { taskId });
      return await get(taskId);
    },
    async interrupt(reference) {
      const task = await get(await find(reference));
      if (task.executionId !== null) await store.execute(requestInterrupt, { executionId: task.executionId });
      return await get(task.id);
    },
    async complete(reference, result) {
      const task = await get(await find(reference));
      const stored = JSON.parse(toJsonText(result, "The result")) as Json;
      const next = await nextOccurrenceAfter(task, null, project.clock.now());
      await store.execute(finishTask, {
        taskId: task.id,
        outcome: { status: "completed", result: stored },
        next,
        evenIfBlocked: false,
      });
      return await get(task.id);
    },
    async signal(reference, name, payload) {
      await store.execute(sendSignal, { taskId: await find(reference), name, payload });
    },
    async resolve(reference, decision, result) {
      const taskId = await find(reference);
      await store.execute(resolveUnknownSteps, {
        taskId,
        decision,
        result: JSON.parse(toJsonText(result, "The result")) as Json,
      });
      return await get(taskId);
    },
  };
  return checkedCalls("perdure.tasks", api, TASK_SHAPES);
}

async function prepare(
  project: Project,
  schemas: ReadonlyMap<string, StandardSchemaV1>,
  { task, ref }: { readonly task: CreateTask; readonly ref: string },
): Promise<NewTask> {
  const executor = typeof task.executor === "string" ? task.executor : task.executor.name;
  const schema = schemas.get(executor);
  if (schema !== undefined) await refuseInvalidInput(schema, executor, task.input ?? null);
  const now = project.clock.now();
  const schedule = task.schedule ?? null;
  const scheduledFor = schedule === null ? null : await firstOccurrence(task.title, schedule, now);
  const { retry } = project.config;
  return toNewTask(
    {
      ...task,
      ref,
      executor,
      schedule,
      scheduledFor,
      maxRetries: task.maxRetries ?? retry.maxRetries,
      retry: retry.policy,
    },
    now,
  );
}
