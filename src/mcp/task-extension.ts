/**
 * The tasks extension over Perdure's tasks: a handle is the id of a task that is already durable, so it outlives this
 * process, and any server of the project answers for it.
 */

import type { CallToolResult, InputRequests } from "@modelcontextprotocol/server";
import { inputRequired, inputResponse, ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";

import { isPerdureError } from "../base/errors.ts";
import type { TaskJson } from "../operations/json/task.ts";
import type { OperationContext } from "../operations/operation.ts";
import { runOperation } from "../operations/operation.ts";
import { taskAnswer } from "../operations/task-answer.ts";
import { taskCancel } from "../operations/task-cancel.ts";
import { noProject } from "./before-project.ts";
import type { McpTasks } from "./surface.ts";
import type { OpenQuestion } from "./task-status.ts";
import { openQuestion, showTask, statusWords, toTaskStatus } from "./task-status.ts";
import { blockedWords } from "./task-words.ts";
import type { TaskHandle, TaskState } from "./task-wire.ts";

const POLL_INTERVAL_MS = 1_000;

export function toTaskHandle(task: TaskJson): TaskHandle {
  return { ...fieldsOf(task), resultType: "task", status: "working" };
}

export function projectTasks(context: OperationContext): McpTasks {
  const find = async (taskId: string) => {
    try {
      if (context.isBegun === false) throw noProject();
      return await showTask(context, taskId);
    } catch (error) {
      if (!isPerdureError(error)) throw error;
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Failed to retrieve task: ${error.message}`);
    }
  };
  return {
    async get(taskId): Promise<TaskState> {
      const task = await find(taskId);
      const fields = fieldsOf(task);
      const question = openQuestion(task);
      if (task.status === "cancelled") return { ...fields, status: "cancelled" };
      if (task.status === "completed" || task.status === "failed") {
        return { ...fields, status: "completed", result: await resultOf(task) };
      }
      if (question === null) return { ...fields, status: "working" };
      return { ...fields, status: "input_required", inputRequests: askUser(question) };
    },
    async answer(taskId, responses) {
      const task = await find(taskId);
      const question = openQuestion(task);
      // What is not asked any more is let pass, as the extension says.
      const said = question === null ? null : readAnswer(question, responses);
      if (said === null) return;
      await runOperation(taskAnswer, context, { input: { task: task.id, ...said } });
    },
    async cancel(taskId) {
      const task = await find(taskId);
      // One that has ended meanwhile stays as it is: a cancellation is only asked for.
      if (task.status === "completed" || task.status === "cancelled") return;
      await runOperation(taskCancel, context, { input: { task: task.id, reason: "cancelled by the client" } });
    },
  };
}

type TaskShown = Awaited<ReturnType<typeof showTask>>;

/** As `create_background_task` would have told it had it waited. */
async function resultOf(task: TaskShown): Promise<CallToolResult> {
  const status = await toTaskStatus(task);
  const { task_id, title: _title, key: _key, status: state, run_at: _runAt, ...outcome } = status;
  const text = statusWords(task, status);
  if (task.status === "failed") return { content: [{ type: "text", text }], isError: true };
  return {
    content: [{ type: "text", text }],
    structuredContent: { success: true, task_id, status: state, session_id: task.sessionId, outcome },
  };
}

function fieldsOf(task: TaskJson) {
  const message = task.blockedReason === null ? task.progress.message : blockedWords(task);
  return {
    taskId: task.id,
    ...(message === null ? {} : { statusMessage: message }),
    createdAt: task.createdAt,
    lastUpdatedAt: task.updatedAt,
    ttlMs: null,
    pollIntervalMs: POLL_INTERVAL_MS,
  };
}

/** The question of a task, as a form with a yes or no in it. */
export function askUser({ key, question }: OpenQuestion): InputRequests {
  return {
    [key]: inputRequired.elicit({
      message: question,
      requestedSchema: {
        type: "object",
        properties: {
          approved: { type: "boolean", title: "Yes" },
          comment: { type: "string", title: "Comment" },
        },
        required: ["approved"],
      },
    }),
  };
}

export interface UserAnswer {
  readonly approved: boolean;
  readonly comment: string | null;
}

/** `null` when the user has not answered: put off, or closed without a word. */
export function readAnswer(
  { key }: OpenQuestion,
  responses: Readonly<Record<string, unknown>> | undefined,
): UserAnswer | null {
  const response = inputResponse(responses, key);
  if (response.kind !== "elicit" || response.action === "cancel") return null;
  if (response.action === "decline") return { approved: false, comment: "declined" };
  const { approved, comment } = response.content ?? {};
  if (typeof approved !== "boolean") return null;
  return { approved, comment: typeof comment === "string" && comment !== "" ? comment : null };
}
