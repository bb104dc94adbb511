/** `update_task` */

import { inputRequired } from "@modelcontextprotocol/server";
import * as v from "valibot";

import { isPerdureError, PerdureError } from "../../base/errors.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import { executionShow } from "../../operations/execution-show.ts";
import type { TaskJson } from "../../operations/json/task.ts";
import type { Operation, OperationContext } from "../../operations/operation.ts";
import { runOperation } from "../../operations/operation.ts";
import { taskAnswer } from "../../operations/task-answer.ts";
import { taskBlock } from "../../operations/task-block.ts";
import { taskCancel } from "../../operations/task-cancel.ts";
import { taskDone } from "../../operations/task-done.ts";
import { taskFail } from "../../operations/task-fail.ts";
import { taskNote } from "../../operations/task-note.ts";
import { taskProgress } from "../../operations/task-progress.ts";
import { taskRelease } from "../../operations/task-release.ts";
import { taskResolve } from "../../operations/task-resolve.ts";
import { taskRetry } from "../../operations/task-retry.ts";
import { taskShow } from "../../operations/task-show.ts";
import { nameOfAgent } from "../agent-name.ts";
import type { McpCall } from "../surface.ts";
import { askUser, readAnswer } from "../task-extension.ts";
import { openQuestion, showTask } from "../task-status.ts";
import { taskLine, taskName, taskRowSchema, toTaskRow } from "../task-words.ts";
import type { ToolAnswer } from "../tool.ts";
import { ADDS, answer, defineTool } from "../tool.ts";
import { agent, taskId } from "./task-arguments.ts";

const ACTIONS = [
  "progress",
  "complete",
  "fail",
  "block",
  "release",
  "cancel",
  "retry",
  "note",
  "ask",
  "resolve",
] as const;

const input = v.strictObject({
  task_id: taskId,
  action: v.picklist(ACTIONS),
  percent: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
  milestone: v.optional(v.string()),
  message: v.optional(v.pipe(v.string(), v.description("what was done; the reason for fail, block, cancel; the note"))),
  evidence: v.optional(v.pipe(v.string(), v.description("complete: what shows that it is done"))),
  result: v.optional(v.pipe(v.unknown(), v.description("complete: JSON for tasks that depend on it"))),
  final: v.optional(v.pipe(v.boolean(), v.description("fail: do not try again"))),
  decision: v.optional(v.pipe(v.picklist(["done", "retry", "skip"]), v.description("resolve: of an unknown outcome"))),
  agent,
});

type Said = v.InferOutput<typeof input>;

const output = v.object({
  success: v.boolean(),
  task: taskRowSchema,
  /** Tasks that became ready by this. */
  ready: v.optional(v.array(v.string())),
  /** Somebody asked that work on it stop. */
  stop: v.optional(v.boolean()),
  next_step: v.optional(v.string()),
});

export const updateTask = defineTool({
  name: "update_task",
  description:
    "Reports on a task: progress keeps your claim; complete needs evidence; fail is tried again unless final; block sets it aside until retry; release gives it back; ask puts the question it waits with to the user.",
  // Every step of it can be gone back on: agents that ask before what destroys need not ask before each report.
  annotations: ADDS,
  input,
  output,
  async run(context, said, call) {
    if (said.action === "ask") return await ask(context, said, call);
    try {
      return await report(context, said, said.agent ?? nameOfAgent(call.client));
    } catch (error) {
      throw await namingWhatBlocks(context, said, error);
    }
  },
});

type Data = v.InferInput<typeof output>;

async function report(context: OperationContext, said: Said, as: string): Promise<ToolAnswer<Data>> {
  const before = said.action === "complete" ? await showTask(context, said.task_id) : null;
  const [operation, given] = actOf(said, as);
  const task = await runOperation(operation, context, { input: { task: before?.id ?? said.task_id, ...given } });
  const ready = before === null ? [] : await readyNow(context, before.dependents);
  const isToStop = said.action === "progress" && (await isAskedToStop(context, task));
  const goOn = isToStop ? TO_STOP : said.action === "complete" ? "next_task gives you the next one." : null;
  return answer(
    {
      success: true,
      task: toTaskRow(task),
      ...(ready.length === 0 ? {} : { ready }),
      ...(isToStop ? { stop: true } : {}),
      ...(goOn === null ? {} : { next_step: goOn }),
    },
    [
      taskLine(task),
      ...(ready.length === 0 ? [] : [`Ready now: ${ready.join(", ")}`]),
      ...(goOn === null ? [] : [goOn]),
    ].join("\n"),
  );
}

const TO_STOP = "Somebody asked to stop: finish the step you are at, then update_task with action release.";

type TaskOperation = Operation<v.GenericSchema, typeof taskDone.output>;

/** The operation behind an action, and what it is given beside the task. */
function actOf(said: Said, as: string): readonly [TaskOperation, Readonly<Record<string, unknown>>] {
  const { message, percent, milestone, evidence, result, final, decision } = said;
  switch (said.action) {
    case "progress":
      return [taskProgress, { as, percent, message, milestone }];
    case "complete":
      return [taskDone, { as, evidence: needed(said, "evidence", evidence), result }];
    case "fail":
      return [taskFail, { as, message: needed(said, "message", message), final }];
    case "block":
      return [taskBlock, { as, reason: needed(said, "message", message) }];
    case "release":
      return [taskRelease, { as }];
    case "cancel":
      return [taskCancel, { reason: message ?? null }];
    case "retry":
      return [taskRetry, {}];
    case "note":
      return [taskNote, { as, note: needed(said, "message", message) }];
    case "resolve":
      return [taskResolve, { decision: needed(said, "decision", decision), result }];
    case "ask":
      return [taskAnswer, {}];
  }
}

function needed<Value>({ action }: Said, field: string, value: Value | undefined): Value {
  if (value !== undefined) return value;
  throw new PerdureError("invalid-input", {
    message: `update_task with action ${action} needs ${field}`,
    hint: `Say in ${field} ${WHAT_FOR[field] ?? "what it is"}; nothing was changed.`,
  });
}

const WHAT_FOR: Readonly<Record<string, string>> = {
  evidence: "what shows that it is done: a test that passed, a file, a commit",
  message: "why",
  decision: "what became of it: done, retry or skip",
};

async function readyNow(
  context: OperationContext,
  dependents: v.InferInput<typeof taskShow.output>["dependents"],
): Promise<string[]> {
  const waiting = dependents.filter(
    ({ status, kind }) => status === "blocked" && (kind === "needs" || kind === "order"),
  );
  const now = await Promise.all(waiting.slice(0, MOST_DEPENDENTS).map(({ id }) => showTask(context, id)));
  return now.filter(({ status }) => status === "pending").map(taskName);
}

const MOST_DEPENDENTS = 10;

async function isAskedToStop(context: OperationContext, { executionId }: TaskJson): Promise<boolean> {
  if (executionId === null) return false;
  return (await runOperation(executionShow, context, { input: { execution: executionId } })).interruptRequested;
}

/** The error of one that waits for others names them as tools take them. */
async function namingWhatBlocks(context: OperationContext, said: Said, error: unknown): Promise<unknown> {
  const waiting = isPerdureError(error, "wrong-state") ? v.safeParse(waitingDetails, error.details) : null;
  if (waiting?.success !== true) return error;
  const { waitsFor, waitingOn } = waiting.output;
  const task = await showTask(context, said.task_id);
  const names = waitsFor.map(taskName);
  const more = waitingOn > names.length ? ` and ${waitingOn - names.length} more` : "";
  const isGroup = task.executor === GROUP_EXECUTOR;
  return new PerdureError("wrong-state", {
    message: `Task ${taskName(task)} is blocked by ${names.join(", ")}${more}`,
    hint: `Complete those first${isGroup ? ", and it completes with the last of them" : ""}; next_task gives you one that is ready.`,
    details: { ...waiting.output, blockedBy: names },
    cause: error,
  });
}

/** Of the refusal to complete a task that waits for others. */
const waitingDetails = v.object({
  waitsFor: v.array(v.object({ id: v.string(), key: v.nullable(v.string()) })),
  waitingOn: v.number(),
});

/** Only the user can answer: the yes of a model is none. */
async function ask(context: OperationContext, said: Said, call: McpCall): Promise<ToolAnswer<Data>> {
  const task = await showTask(context, said.task_id);
  const question = openQuestion(task);
  if (question === null) {
    throw new PerdureError("wrong-state", {
      message: `Task ${taskName(task)} asks nothing; it is ${task.status}`,
      hint: "get_task_status tells where it stands.",
    });
  }
  const given = readAnswer(question, call.context.mcpReq.inputResponses);
  if (given !== null) {
    const answered = await runOperation(taskAnswer, context, { input: { task: task.id, ...given, as: "user" } });
    const word = given.approved ? "yes" : "no";
    return answer({ success: true, task: toTaskRow(answered) }, `The user said ${word}. ${taskLine(answered)}`);
  }
  if (call.client.canAsk && call.context.mcpReq.inputResponses === undefined) {
    return { kind: "reply", reply: inputRequired({ inputRequests: askUser(question) }) };
  }
  throw new PerdureError("wrong-state", {
    message: `Task ${taskName(task)} waits for the user's answer: ${question.question}`,
    hint: call.client.canAsk
      ? "The user has not answered yet; go on with other tasks: next_task."
      : `Ask the user to run: perdure task approve ${taskName(task)} (or reject). Go on with other tasks meanwhile: next_task.`,
  });
}
