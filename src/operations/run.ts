/** Submits a plan and works it to the end; the same plan again continues where it stopped. */

import * as v from "valibot";

import { asId } from "../domain/ids.ts";
import { sessionSchema } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { planInput, submitPlanFile } from "./plan-submit.ts";
import { resumeOutput, workInput, workOpened } from "./resume.ts";

export const run = defineOperation({
  name: "run",
  summary: "Submits a plan as a session and works it to the end; the same plan again continues its unfinished session.",
  input: v.object({ ...planInput, ...workInput }),
  output: v.object({ ...resumeOutput.entries, isNew: v.boolean(), session: sessionSchema }),
  async run(context, input, options) {
    const { path, order, executor, concurrency, force } = input;
    const plan = { path, order, executor, concurrency, force, requireExecutors: true };
    const submitted = await submitPlanFile(context, plan, options);
    for (const message of submitted.notices) options?.onEvent?.({ type: "notice", message });
    const worked = await workOpened(context, { ...input, sessionId: asId(submitted.session.id) }, options);
    return { ...worked, isNew: submitted.isNew };
  },
});
