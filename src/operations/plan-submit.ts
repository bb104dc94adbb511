/** Submits a plan as a session, or brings the unfinished session of the same plan up to date with it. */

import * as v from "valibot";

import { planFingerprint } from "../plans/fingerprint.ts";
import { submitPlan } from "../store/commands/plan-sessions.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import { defineOperation } from "./operation.ts";
import { readPlanFrom, refuseUnknownExecutors } from "./plan-reading.ts";
import { draftToNewTasks } from "./plan-tasks.ts";

export const planInput = {
  /** A plan file or a folder of task files. */
  path: v.pipe(v.string(), v.nonEmpty("names no file")),
  order: v.optional(v.nullable(v.picklist(["sequential", "phases", "free"])), null),
  /** For tasks that name none. */
  executor: v.optional(v.nullable(v.string()), null),
};

export const planSubmit = defineOperation({
  name: "plan-submit",
  summary: "Submits a plan as a session without working it.",
  input: v.object({
    ...planInput,
    /** Overrides the plan's own. */
    concurrency: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000))), null),
    /** Refuse tasks whose executor this process does not have. */
    requireExecutors: v.optional(v.boolean(), true),
  }),
  output: v.object({
    session: sessionSchema,
    isNew: v.boolean(),
    added: v.array(v.string()),
    changed: v.array(v.string()),
    completed: v.array(v.string()),
    cancelled: v.array(v.string()),
    kept: v.array(v.string()),
    notices: v.array(v.string()),
  }),
  async run(context, input) {
    const { draft, planFile } = await readPlanFrom(context, input);
    const executors = await context.loadExecutors();
    if (input.requireExecutors) refuseUnknownExecutors(draft, new Set(executors.keys()));
    const tasks = await draftToNewTasks(draft, {
      now: context.clock.now(),
      commandTimeoutMs: context.config.worker.commandTimeoutMs,
    });
    const submitted = await context.store.execute(submitPlan, {
      session: {
        name: draft.name,
        goal: draft.goal,
        planFile,
        planFingerprint: planFingerprint(draft),
        concurrency: input.concurrency ?? draft.concurrency,
        maxUnfinished: context.config.limits.unfinishedTasks,
        metadata: {},
        status: "active",
      },
      tasks,
      continueUnfinished: true,
    });
    return {
      session: sessionToJson(submitted.session),
      isNew: submitted.isNew,
      added: [...submitted.added],
      changed: [...submitted.changed],
      completed: [...submitted.completed],
      cancelled: [...submitted.cancelled],
      kept: [...submitted.kept],
      notices: draft.notices.map(({ message, source }) =>
        source === null ? message : `${source.file}:${source.line}: ${message}`,
      ),
    };
  },
});
