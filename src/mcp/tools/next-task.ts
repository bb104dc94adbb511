/** `next_task` */

import * as v from "valibot";

import type { OperationContext } from "../../operations/operation.ts";
import { runOperation } from "../../operations/operation.ts";
import { taskNext } from "../../operations/task-next.ts";
import { taskShow } from "../../operations/task-show.ts";
import type { TaskJson } from "../../operations/json/task.ts";
import { nameOfAgent } from "../agent-name.ts";
import { ANSWER_LIMITS, cutToTokens, shortenTo } from "../answer-limits.ts";
import { NO_PROJECT } from "../before-project.ts";
import { taskName } from "../task-words.ts";
import { ADDS, answer, defineTool } from "../tool.ts";
import { agent } from "./task-arguments.ts";

const taskSchema = v.object({
  task_id: v.string(),
  key: v.optional(v.string()),
  title: v.string(),
  priority: v.number(),
  description: v.optional(v.string()),
  /** What to do, as the plan says it. */
  instructions: v.optional(v.string()),
  context: v.optional(v.string()),
  /** What came of the tasks it depends on. */
  depends_on: v.array(v.object({ name: v.string(), title: v.string(), result: v.string() })),
  /** What an earlier attempt reported or failed with. */
  earlier: v.optional(v.string()),
});

type TaskToDo = v.InferInput<typeof taskSchema>;

export const nextTask = defineTool({
  name: "next_task",
  description:
    "Gives you the most urgent ready task with its context, or says why there is none. Claims it, so that no other agent gets it: update_task with progress keeps the claim, silence loses it. claim:false only looks.",
  annotations: ADDS,
  input: v.strictObject({
    claim: v.optional(v.boolean(), true),
    session: v.optional(v.string()),
    agent,
  }),
  output: v.object({
    task: v.nullable(taskSchema),
    claim: v.nullable(v.object({ execution_id: v.string(), expires_at: v.string() })),
    /** Why there is no task. */
    reason: v.nullable(v.string()),
    next_step: v.optional(v.string()),
  }),
  beforeProject: { task: null, claim: null, reason: NO_PROJECT },
  async run(context, { claim, session, agent: said }, call) {
    const as = said ?? nameOfAgent(call.client);
    const next = await runOperation(taskNext, context, {
      input: { claim, as, session: session ?? null, endsWithProcess: true },
    });
    if (next.task === null) {
      return answer({ task: null, claim: null, reason: next.reason }, `No task is ready: ${next.reason ?? ""}`);
    }
    const task = await toDo(context, next.task);
    const held = next.claim;
    const goOn = claimWords(held, { name: taskName(next.task), said });
    return answer(
      {
        task,
        claim: held && { execution_id: held.executionId, expires_at: held.leaseExpiresAt },
        reason: null,
        next_step: goOn,
      },
      [...wordsOf(task, taskName(next.task)), goOn].join("\n"),
    );
  },
});

/** A group is finished by its parts, so what is ready is never one; its context is told with its parts. */
async function toDo(context: OperationContext, task: TaskJson): Promise<TaskToDo> {
  const cut = async (text: string): Promise<string> => (await cutToTokens(text, ANSWER_LIMITS.valueTokens)).text;
  const instructions = instructionsOf(task.input);
  const said = JSON.stringify(task.context);
  return {
    task_id: task.id,
    ...(task.key === null ? {} : { key: task.key }),
    title: shortenTo(task.title, ANSWER_LIMITS.noteChars),
    priority: task.priority,
    ...(task.description === null ? {} : { description: await cut(task.description) }),
    ...(instructions === null ? {} : { instructions: await cut(instructions) }),
    ...(said === "{}" ? {} : { context: await cut(said) }),
    depends_on: await Promise.all(task.dependencies.slice(0, MOST_DEPENDENCIES).map((id) => outcomeOf(context, id))),
    ...earlierOf(task),
  };
}

const MOST_DEPENDENCIES = 10;

function instructionsOf(input: unknown): string | null {
  if (input === null || input === undefined) return null;
  if (v.is(v.strictObject({ instructions: v.string() }), input)) return input.instructions;
  return JSON.stringify(input);
}

async function outcomeOf(context: OperationContext, taskId: string): Promise<TaskToDo["depends_on"][number]> {
  const { key, id, title, result } = await runOperation(taskShow, context, { input: { task: taskId } });
  const told = result === null ? "" : JSON.stringify(result);
  const { text } = await cutToTokens(told, ANSWER_LIMITS.dependencyTokens);
  return { name: taskName({ key, id }), title: shortenTo(title, ANSWER_LIMITS.titleChars), result: text };
}

function earlierOf({ lastError, progress, retryCount }: TaskJson): Pick<TaskToDo, "earlier"> {
  const said = [
    ...(lastError === null || retryCount === 0
      ? []
      : [`attempt ${retryCount} failed: ${shortenTo(lastError.message, ANSWER_LIMITS.errorChars)}`]),
    ...(progress.percent > 0 || progress.message !== null
      ? [
          `reported ${progress.percent} %${progress.message === null ? "" : `: ${shortenTo(progress.message, ANSWER_LIMITS.noteChars)}`}`,
        ]
      : []),
  ].join("; ");
  return said === "" ? {} : { earlier: said };
}

function wordsOf(task: TaskToDo, name: string): readonly string[] {
  return [
    `${name} ${JSON.stringify(task.title)} (priority ${task.priority}, id ${task.task_id})`,
    ...(task.description === undefined ? [] : [task.description]),
    ...(task.instructions === undefined ? [] : [`Instructions: ${task.instructions}`]),
    ...(task.context === undefined ? [] : [`Context: ${task.context}`]),
    ...task.depends_on.map((needed) => `Done before: ${needed.name} ${JSON.stringify(needed.title)} ${needed.result}`),
    ...(task.earlier === undefined ? [] : [`Before you: ${task.earlier}`]),
  ];
}

interface Claimed {
  /** Of the task. */
  readonly name: string;
  /** What the agent called itself; its reports must say the same. */
  readonly said: string | undefined;
}

function claimWords(claim: { readonly leaseExpiresAt: string } | null, { name, said }: Claimed): string {
  if (claim === null) return "Not claimed: call next_task to take it.";
  const as = said === undefined ? "" : ` and agent ${JSON.stringify(said)}, as in every report on it`;
  return `Yours until ${claim.leaseExpiresAt}; reports keep it. When done: update_task ${name} complete, with evidence${as}.`;
}
