/** Submits a plan as a session, or brings the unfinished session of the same plan up to date with it. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import type { SessionId } from "../domain/ids.ts";
import { asId } from "../domain/ids.ts";
import type { PlanDraft } from "../domain/plan-draft.ts";
import { planFingerprint } from "../plans/fingerprint.ts";
import type { SubmittedPlan } from "../store/commands/plan-sessions.ts";
import { findContinuedSession, findPlanSession, submitPlan } from "../store/commands/plan-sessions.ts";
import { markEndTold, settleSession } from "../store/commands/sessions.ts";
import { sealEnded } from "./checkpointer.ts";
import { checkBeforeWork } from "./environment-check.ts";
import { concurrencyInput } from "./json/inputs.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import type { OperationContext, RunOptions } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import type { FoundPlan, ReadPlanInput } from "./plan-reading.ts";
import { noticesOf, readPlanFrom, refuseUnknownExecutors } from "./plan-reading.ts";
import { draftToNewTasks } from "./plan-tasks.ts";
import { refuseDamaged } from "./refuse-damaged.ts";

export const planInput = {
  /** A plan file or a folder of task files. */
  path: v.pipe(v.string(), v.nonEmpty("names no file")),
  order: v.optional(v.nullable(v.picklist(["sequential", "phases", "free"])), null),
  /** For tasks that name none. */
  executor: v.optional(v.nullable(v.string()), null),
};

export const submittedSchema = v.object({
  session: sessionSchema,
  isNew: v.boolean(),
  added: v.array(v.string()),
  changed: v.array(v.string()),
  /** Ticked in the file since. */
  completed: v.array(v.string()),
  /** No longer in the file. */
  cancelled: v.array(v.string()),
  /** Changed in the file, but running or done already: left as they are. */
  kept: v.array(v.string()),
  notices: v.array(v.string()),
});

export const planSubmit = defineOperation({
  name: "plan-submit",
  summary: "Submits a plan as a session without working it.",
  input: v.object({
    ...planInput,
    /** Overrides the plan's own. */
    concurrency: concurrencyInput,
    /** Refuse tasks whose executor this process does not have. */
    requireExecutors: v.optional(v.boolean(), true),
    /** Before an unfinished session is gone on with: whether the environment has to fit, or is not compared (`null`). */
    force: v.optional(v.nullable(v.boolean()), null),
  }),
  output: submittedSchema,
  async run(context, input) {
    const submitted = await submitPlanFile(context, input);
    if (submitted.session.status === "completed") {
      await context.store.execute(markEndTold, { sessionId: asId(submitted.session.id) });
    }
    return submitted;
  },
});

export interface SubmitPlanFile extends ReadPlanInput {
  readonly concurrency: number | null;
  readonly requireExecutors: boolean;
  /** Go on with an unfinished session in an environment that does not fit; `null` does not compare it. */
  readonly force: boolean | null;
}

/** The same, without taking note that the caller was told of a session that has ended: it goes on to work it, and tells then. */
export async function submitPlanFile(
  context: OperationContext,
  input: SubmitPlanFile,
  options?: RunOptions,
): Promise<v.InferInput<typeof submittedSchema>> {
  const found = await readPlanFrom(context, input);
  await refuseWhatCannotRun(context, found.draft, input.requireExecutors);
  await refuseDamaged(context);
  if (input.force !== null) await checkContinued(context, found, { force: input.force, options });
  const finished = await finishedSessionOf(context, found, { onlyIfNothingIsLeft: true });
  const submitted = finished ?? (await submitDraft(context, found, { concurrency: input.concurrency }));
  return submittedToJson(submitted, noticesOf(found.draft));
}

async function checkContinued(
  context: OperationContext,
  { draft, planFile }: FoundPlan,
  { force, options }: { readonly force: boolean; readonly options: RunOptions | undefined },
): Promise<void> {
  const input = { planFile, planFingerprint: planFingerprint(draft), name: draft.name };
  const sessionId = await context.store.execute(findContinuedSession, input);
  if (sessionId !== null) await checkBeforeWork(context, { sessionId, force }, options);
}

/** Before the store is opened, which may make it. @throws PerdureError `unsupported`, `invalid-plan`, `limit-reached` */
export async function refuseWhatCannotRun(
  context: OperationContext,
  draft: PlanDraft,
  requireExecutors: boolean,
): Promise<void> {
  refuseTooMany(draft, context.config.limits.unfinishedTasks);
  if (requireExecutors) refuseUnknownExecutors(draft, new Set((await context.loadExecutors()).keys()));
}

/** More than any session may hold; what the plan's own session holds already is the store's to count. */
function refuseTooMany({ name, tasks }: PlanDraft, limit: number): void {
  const unfinished = tasks.filter(({ status }) => status === "pending").length;
  if (unfinished <= limit) return;
  throw new PerdureError("limit-reached", {
    message: `The plan ${name} has ${unfinished} unfinished tasks; a session may hold ${limit}`,
    hint: "Split the plan, or raise limits.unfinished_tasks in perdure.yaml.",
    details: { limit, unfinished },
  });
}

export interface SubmitDraft {
  /** Overrides the plan's own. */
  readonly concurrency: number | null;
  /** The session to bring up to date; else the unfinished one of the same file, or a new one. */
  readonly sessionId?: SessionId;
}

/** A plan in which everything is done already comes to its end at once. */
export async function submitDraft(
  context: OperationContext,
  { draft, planFile }: { readonly draft: PlanDraft; readonly planFile: string | null },
  { concurrency, sessionId }: SubmitDraft,
): Promise<SubmittedPlan> {
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
      concurrency: concurrency ?? draft.concurrency,
      maxUnfinished: context.config.limits.unfinishedTasks,
      metadata: {},
      status: "active",
    },
    tasks,
    continueUnfinished: true,
    ...(sessionId === undefined ? {} : { sessionId }),
  });
  const session = await context.store.execute(settleSession, { sessionId: submitted.session.id });
  if (session.status !== submitted.session.status) await sealEnded(context, session);
  return { ...submitted, session };
}

/**
 * The newest session of the file, when it is over and says the same: submitting the plan would do it all again, or,
 * where everything is ticked, make a session with nothing to do.
 */
export async function finishedSessionOf(
  context: OperationContext,
  { draft, planFile }: FoundPlan,
  { onlyIfNothingIsLeft }: { readonly onlyIfNothingIsLeft: boolean },
): Promise<SubmittedPlan | null> {
  if (onlyIfNothingIsLeft && draft.tasks.some((task) => task.status === "pending")) return null;
  const newest = await context.store.execute(findPlanSession, { planFile });
  if (newest?.session.status !== "completed" || newest.planFingerprint !== planFingerprint(draft)) return null;
  return { session: newest.session, isNew: false, added: [], changed: [], completed: [], cancelled: [], kept: [] };
}

export function submittedToJson(
  submitted: SubmittedPlan,
  notices: readonly string[],
): v.InferInput<typeof submittedSchema> {
  return {
    session: sessionToJson(submitted.session),
    isNew: submitted.isNew,
    added: [...submitted.added],
    changed: [...submitted.changed],
    completed: [...submitted.completed],
    cancelled: [...submitted.cancelled],
    kept: [...submitted.kept],
    notices: [...notices],
  };
}
