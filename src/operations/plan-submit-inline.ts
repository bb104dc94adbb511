/** Submits a plan that is handed over as data, whole or not at all. */

import * as v from "valibot";

import { isPerdureError, PerdureError } from "../base/errors.ts";
import { LIMITS } from "../domain/limits.ts";
import type { PlanDraft } from "../domain/plan-draft.ts";
import { concurrencyInput, titleInput } from "./json/inputs.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { withExecutors } from "./plan-reading.ts";
import { refuseWhatCannotRun, submitDraft, submittedSchema, submittedToJson } from "./plan-submit.ts";
import { refuseDamaged } from "./refuse-damaged.ts";

/** What the tasks' places in messages and in the store are called. */
const SOURCE = "plan";

export const planSubmitInline = defineOperation({
  name: "plan-submit-inline",
  summary: "Submits a plan given as data as a session; the same plan again continues its unfinished session.",
  input: v.object({
    name: v.pipe(titleInput, v.maxLength(LIMITS.nameChars)),
    goal: v.optional(v.nullable(v.string()), null),
    concurrency: concurrencyInput,
    /** As in a plan file. */
    tasks: v.pipe(v.array(v.record(v.string(), v.unknown())), v.nonEmpty("has no tasks")),
    /** For tasks that name none. */
    executor: v.optional(v.nullable(v.string()), null),
  }),
  output: submittedSchema,
  async run(context, { name, goal, concurrency, tasks, executor }) {
    const draft = withExecutors(await readDraft(context, { name, goal, tasks }), executor);
    await refuseWhatCannotRun(context, draft, true);
    await refuseDamaged(context);
    const submitted = await submitDraft(context, { draft, planFile: null }, { concurrency });
    return submittedToJson(submitted, []);
  },
});

interface InlinePlan {
  readonly name: string;
  readonly goal: string | null;
  readonly tasks: readonly Readonly<Record<string, unknown>>[];
}

async function readDraft({ config }: OperationContext, { name, goal, tasks }: InlinePlan): Promise<PlanDraft> {
  const { readPlan } = await import("../plans/read-plan.ts");
  // Each task on a line of its own, so that the line of a problem tells the task.
  const head = JSON.stringify({ name, goal }).slice(0, -1);
  const text = `${head},"tasks":[\n${tasks.map((task) => JSON.stringify(task)).join(",\n")}\n]}`;
  try {
    return await readPlan({
      path: SOURCE,
      text,
      format: "json",
      defaults: { maxRetries: config.retry.maxRetries, retry: config.retry.policy },
    });
  } catch (error) {
    throw namingTasks(error, tasks);
  }
}

const problemsSchema = v.array(v.object({ line: v.number(), message: v.string() }));

/** There is no file whose lines could be named. */
function namingTasks(error: unknown, tasks: InlinePlan["tasks"]): unknown {
  const found = isPerdureError(error) ? v.safeParse(problemsSchema, error.details.problems) : null;
  if (!isPerdureError(error) || found?.success !== true) return error;
  const messages = found.output.map(({ line, message }) => `${nameOf(tasks, line)}: ${message}`);
  return new PerdureError(error.code, {
    message: messages.join("\n"),
    hint: error.hint ?? "Correct the plan and submit it again; nothing was submitted.",
    details: { problems: messages },
    cause: error,
  });
}

function nameOf(tasks: InlinePlan["tasks"], line: number): string {
  const task = tasks[line - 2];
  if (task === undefined) return SOURCE;
  const said = task.id ?? task.title;
  return typeof said === "string" || typeof said === "number" ? `task ${said}` : `task number ${line - 1}`;
}
