/** `engine_interrupt` and `engine_resume` */

import * as v from "valibot";

import { PerdureError } from "../../base/errors.ts";
import { checkpointCreate } from "../../operations/checkpoint-create.ts";
import { executionShow } from "../../operations/execution-show.ts";
import { interrupt } from "../../operations/interrupt.ts";
import type { OperationContext } from "../../operations/operation.ts";
import { runOperation } from "../../operations/operation.ts";
import { sessionResume } from "../../operations/session-resume.ts";
import { taskRetry } from "../../operations/task-retry.ts";
import { taskLine } from "../task-words.ts";
import { ADDS, answer, CHANGES, defineTool } from "../tool.ts";

const target = {
  execution_id: v.optional(v.string()),
  session_id: v.optional(v.pipe(v.string(), v.description("without either: the present session"))),
};

export const engineInterrupt = defineTool({
  name: "engine_interrupt",
  description: "Stops an execution, or a session with all that runs in it, gracefully at the next step boundary.",
  annotations: { ...CHANGES, idempotentHint: true },
  input: v.strictObject(target),
  output: v.object({
    success: v.boolean(),
    /** Of the session, or of the execution. */
    state: v.string(),
    /** Executions that were asked to stop. */
    executions: v.array(v.string()),
    session_id: v.nullable(v.string()),
    /** Of the session as it was then. */
    checkpoint_id: v.nullable(v.string()),
  }),
  async run(context, said) {
    const asked = await runOperation(interrupt, context, { input: { target: onlyOne(said) } });
    const state = asked.session?.status ?? (await stateOf(context, asked.executions[0]));
    const checkpoint = asked.session === null ? null : await checkpointOf(context, asked.session.id);
    const what = asked.session === null ? "The execution" : `Session ${JSON.stringify(asked.session.name)}`;
    return answer(
      {
        success: true,
        state,
        executions: [...asked.executions],
        session_id: asked.session?.id ?? null,
        checkpoint_id: checkpoint,
      },
      `${what} is ${state}; ${asked.executions.length} running were asked to stop. engine_resume goes on.`,
    );
  },
});

export const engineResume = defineTool({
  name: "engine_resume",
  description:
    "Opens a session, or the task of an execution, for work again where it stopped; failed tasks are tried again. Workers and next_task go on with it.",
  annotations: ADDS,
  input: v.strictObject(target),
  output: v.object({
    success: v.boolean(),
    state: v.string(),
    /** Interrupted tasks that go on where they were. */
    continued: v.number(),
    /** Failed tasks that are tried again. */
    retried: v.number(),
    session_id: v.string(),
  }),
  async run(context, said) {
    const reference = onlyOne(said);
    if (said.execution_id !== undefined) return await resumeExecution(context, said.execution_id);
    const { session, continued, retried } = await runOperation(sessionResume, context, {
      input: { session: reference },
    });
    return answer(
      { success: true, state: session.status, continued, retried, session_id: session.id },
      `Session ${JSON.stringify(session.name)} is ${session.status}; ${continued} interrupted tasks go on, ${retried} failed ones are tried again. next_task gives you one.`,
    );
  },
});

async function resumeExecution(context: OperationContext, reference: string) {
  const { taskId } = await runOperation(executionShow, context, { input: { execution: reference } });
  const task = await runOperation(taskRetry, context, { input: { task: taskId } });
  return answer(
    { success: true, state: task.status, continued: 1, retried: 0, session_id: task.sessionId },
    taskLine(task),
  );
}

async function checkpointOf(context: OperationContext, session: string): Promise<string> {
  return (await runOperation(checkpointCreate, context, { input: { session, label: "interrupted" } })).id;
}

async function stateOf(context: OperationContext, execution: string | undefined): Promise<string> {
  if (execution === undefined) return "unknown";
  return (await runOperation(executionShow, context, { input: { execution } })).status;
}

function onlyOne({
  execution_id: execution,
  session_id: session,
}: {
  readonly execution_id?: string | undefined;
  readonly session_id?: string | undefined;
}): string | null {
  if (execution !== undefined && session !== undefined) {
    throw new PerdureError("invalid-input", {
      message: "Both execution_id and session_id are given",
      hint: "Give one of them, or neither for the present session.",
    });
  }
  return execution ?? session ?? null;
}
