/** Shows the tasks of a plan and the order they would run in. Reads only. */

import * as v from "valibot";

import { isPerdureError } from "../base/errors.ts";
import type { PlanDraft } from "../domain/plan-draft.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { noticesOf, readPlanFrom } from "./plan-reading.ts";
import { orderPlan } from "./plan-order.ts";
import { planInput, refuseWhatCannotRun } from "./plan-submit.ts";

export const planShow = defineOperation({
  name: "plan-show",
  summary: "Shows the tasks of a plan and the order they would run in, and stores nothing.",
  input: v.object(planInput),
  output: v.object({
    name: v.string(),
    goal: v.nullable(v.string()),
    concurrency: v.nullable(v.number()),
    tasks: v.array(
      v.object({
        key: v.string(),
        title: v.string(),
        executor: v.string(),
        /** What it waits for; also what a box that was ticked before its turn stands behind. */
        needs: v.array(v.string()),
        parent: v.nullable(v.string()),
        priority: v.number(),
        status: v.picklist(["pending", "completed", "cancelled"]),
        /** The wave it runs in, from 0; `null` for what is done already. */
        level: v.nullable(v.number()),
      }),
    ),
    /** Keys that can run side by side, wave after wave. */
    order: v.array(v.array(v.string())),
    notices: v.array(v.string()),
  }),
  async run(context, input) {
    const { draft } = await readPlanFrom(context, input);
    const { waves, levelOf, needsOf } = orderPlan(draft.tasks);
    return {
      name: draft.name,
      goal: draft.goal,
      concurrency: draft.concurrency,
      tasks: draft.tasks.map((task) => ({
        key: task.key,
        title: task.title,
        executor: task.executor ?? "",
        needs: [...(needsOf.get(task.key) ?? [])],
        parent: task.parentKey,
        priority: task.priority,
        status: task.status,
        level: levelOf.get(task.key) ?? null,
      })),
      order: waves.map((wave) => [...wave]),
      notices: [...noticesOf(draft), ...(await refusalOf(context, draft))],
    };
  },
});

/** What would keep the plan from being submitted here. */
async function refusalOf(context: OperationContext, draft: PlanDraft): Promise<readonly string[]> {
  try {
    await refuseWhatCannotRun(context, draft, true);
    return [];
  } catch (error) {
    if (isPerdureError(error)) return [`It would be refused: ${error.message}`];
    throw error;
  }
}
