/** `submit_plan` */

import * as v from "valibot";

import { runOperation } from "../../operations/operation.ts";
import { planSubmitInline } from "../../operations/plan-submit-inline.ts";
import { ADDS, answer, defineTool } from "../tool.ts";

const text = v.optional(v.string());

/** The reader of plans checks the rest, and takes what else a plan file may say. */
const task = v.looseObject({
  id: v.pipe(v.string(), v.description("short and unique, such as build or 1.2")),
  title: text,
  description: text,
  needs: v.optional(v.pipe(v.array(v.string()), v.description("ids that must be completed before"))),
  parent: v.optional(v.pipe(v.string(), v.description("id of the phase it is part of"))),
  priority: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10))),
  manual: v.optional(v.pipe(v.string(), v.description("instructions for the agent that does it (the default kind)"))),
  run: v.optional(v.pipe(v.string(), v.description("shell line a worker runs instead"))),
  executor: text,
});

export const submitPlan = defineTool({
  name: "submit_plan",
  description:
    "Records a plan as a session of tasks with dependencies, whole or not at all. The same plan again continues its unfinished session.",
  annotations: { ...ADDS, idempotentHint: true },
  input: v.strictObject({
    name: v.string(),
    goal: text,
    tasks: v.array(task),
  }),
  output: v.object({
    success: v.boolean(),
    session_id: v.string(),
    is_new: v.boolean(),
    /** How many tasks it has brought. */
    added: v.number(),
  }),
  beforeProject: "begins",
  async run(context, plan) {
    const { session, isNew, added } = await runOperation(planSubmitInline, context, { input: plan });
    const words = isNew
      ? `Recorded ${added.length} tasks as session ${JSON.stringify(session.name)} (${session.id.slice(0, 8)}).`
      : `This plan is recorded already: session ${session.id.slice(0, 8)}, ${session.status}.`;
    return answer(
      { success: true, session_id: session.id, is_new: isNew, added: added.length },
      `${words} next_task gives you the first that is ready.`,
    );
  },
});
