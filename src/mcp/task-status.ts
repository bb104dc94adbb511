/** Where one task stands, as data and in words: what `get_task_status` tells, and what a task handle comes to. */

import * as v from "valibot";

import { TASK_STATUSES } from "../domain/task.ts";
import type { TaskJson } from "../operations/json/task.ts";
import type { OperationContext } from "../operations/operation.ts";
import { runOperation } from "../operations/operation.ts";
import { taskShow } from "../operations/task-show.ts";
import { ANSWER_LIMITS, cutToTokens, shortenTo } from "./answer-limits.ts";
import { blockedWords, taskLine, taskName } from "./task-words.ts";

export const taskStatusSchema = v.object({
  task_id: v.string(),
  key: v.optional(v.string()),
  title: v.string(),
  status: v.picklist(TASK_STATUSES),
  blocked: v.optional(v.string()),
  /** Unfinished tasks it depends on, or comes after. */
  waits_for: v.optional(v.array(v.string())),
  /** Of the user: a person has to answer. */
  question: v.optional(v.string()),
  next_step: v.optional(v.string()),
  progress: v.object({ percent: v.number(), message: v.optional(v.string()), expected_at: v.optional(v.string()) }),
  result: v.optional(v.unknown()),
  /** `result` is only the beginning of its JSON text. */
  result_cut: v.optional(v.boolean()),
  error: v.optional(v.object({ code: v.string(), message: v.string() })),
  artifacts: v.array(v.object({ name: v.string(), path: v.string(), size_bytes: v.number() })),
  execution_id: v.optional(v.string()),
  attempts: v.number(),
  /** When it runs next; of a task that is not due yet. */
  run_at: v.optional(v.string()),
});

export type TaskStatusData = v.InferInput<typeof taskStatusSchema>;
type TaskShown = v.InferInput<typeof taskShow.output>;

const MOST_ARTIFACTS = 20;
const TO_ASK = "update_task with action ask puts it to them";
const MOST_DEPENDENCIES = 10;

export async function showTask(context: OperationContext, taskId: string): Promise<TaskShown> {
  return await runOperation(taskShow, context, { input: { task: taskId } });
}

export async function toTaskStatus(task: TaskShown): Promise<TaskStatusData> {
  const { progress, lastError, blockedReason } = task;
  const waitsFor = blockedReason === "dependencies" ? unfinishedNeeds(task) : [];
  const question = openQuestion(task)?.question;
  const isEnded = task.status === "completed" || task.status === "failed" || task.status === "cancelled";
  return {
    task_id: task.id,
    ...(task.key === null ? {} : { key: task.key }),
    title: shortenTo(task.title, ANSWER_LIMITS.titleChars),
    status: task.status,
    ...(blockedReason === null ? {} : { blocked: blockedWords(task) }),
    ...(waitsFor.length === 0 ? {} : { waits_for: waitsFor }),
    ...(question === undefined ? {} : { question: shortenTo(question, ANSWER_LIMITS.noteChars), next_step: TO_ASK }),
    progress: {
      percent: progress.percent,
      ...(progress.message === null ? {} : { message: shortenTo(progress.message, ANSWER_LIMITS.noteChars) }),
      ...(progress.estimatedCompletion === null || isEnded ? {} : { expected_at: progress.estimatedCompletion }),
    },
    ...(await resultOf(task)),
    ...(lastError === null || task.status === "completed"
      ? {}
      : { error: { code: lastError.code, message: (await cutValue(lastError.message)).text } }),
    artifacts: task.artifactsDetail.slice(0, MOST_ARTIFACTS).map(({ name, path, sizeBytes }) => ({
      name: shortenTo(name, ANSWER_LIMITS.titleChars),
      path,
      size_bytes: sizeBytes,
    })),
    ...(task.executionId === null ? {} : { execution_id: task.executionId }),
    attempts: task.executions[0]?.attempt ?? 0,
    ...(task.status === "pending" && task.runAt !== null ? { run_at: task.runAt } : {}),
  };
}

function cutValue(text: string) {
  return cutToTokens(text, ANSWER_LIMITS.valueTokens);
}

async function resultOf({ result, status }: TaskJson): Promise<Pick<TaskStatusData, "result" | "result_cut">> {
  if (status !== "completed" && result === null) return {};
  const { text, isCut } = await cutValue(JSON.stringify(result ?? null));
  return isCut ? { result: text, result_cut: true } : { result };
}

/** Names of what it still waits for, as many as are of use. */
function unfinishedNeeds({ needs }: TaskShown): string[] {
  return needs
    .filter(({ status }) => status !== "completed")
    .slice(0, MOST_DEPENDENCIES)
    .map(taskName);
}

export interface OpenQuestion {
  /** Never that of another question of the task. */
  readonly key: string;
  readonly question: string;
}

/** What the task asks a person, if it waits for an answer. */
export function openQuestion(task: TaskShown): OpenQuestion | null {
  if (task.status !== "blocked" || task.blockedReason !== "waiting") return null;
  const step = task.steps.findLast(({ kind, status }) => kind === "approval" && status === "started");
  if (step === undefined) return null;
  return { key: `approval-${task.executionId ?? ""}-${step.position}-${step.attempt}`, question: step.waitsFor ?? "" };
}

export function statusWords(task: TaskJson, status: TaskStatusData): string {
  return [
    taskLine(task),
    ...(status.waits_for === undefined ? [] : [`Waits for: ${status.waits_for.join(", ")}`]),
    ...(status.question === undefined ? [] : [`Asks the user: ${status.question} (${TO_ASK})`]),
    ...(status.progress.message === undefined ? [] : [`Last report: ${status.progress.message}`]),
    ...(status.run_at === undefined ? [] : [`Due: ${status.run_at}`]),
    ...(status.result === undefined ? [] : [`Result: ${JSON.stringify(status.result)}${cutWords(status)}`]),
    ...(status.error === undefined ? [] : [`Error: ${status.error.message}`]),
    ...status.artifacts.map(({ name, path }) => `Artifact ${name}: ${path}`),
  ].join("\n");
}

function cutWords({ result_cut: isCut, task_id: id }: TaskStatusData): string {
  return isCut === true ? ` (cut; the resource perdure://tasks/${id} has more)` : "";
}
