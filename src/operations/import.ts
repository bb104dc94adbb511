/** Takes a plan into the store, or brings a plan's file and its session together where they drifted apart. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import { comesAfter } from "../domain/done-out-of-turn.ts";
import type { SessionId } from "../domain/ids.ts";
import { createTasks } from "../store/commands/create-tasks.ts";
import { findPlanSession } from "../store/commands/plan-sessions.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { listAllTasks } from "./all-tasks.ts";
import { sessionReference } from "./json/inputs.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import type { FoundPlan } from "./plan-reading.ts";
import { noticesOf, readPlanFrom } from "./plan-reading.ts";
import { finishedSessionOf, planInput, refuseWhatCannotRun, submitDraft } from "./plan-submit.ts";
import type { SubmittedPlan } from "../store/commands/plan-sessions.ts";
import { draftToNewTasks } from "./plan-tasks.ts";
import { tickPlan } from "./plan-ticker.ts";
import { findSessionId } from "./references.ts";
import { findDrift, isStoreBehind } from "./plan-drift.ts";

const keys = v.array(v.string());

const driftSchema = v.object({
  /** Ticked in the file, not completed in the store. */
  tickedOnly: keys,
  /** Completed in the store, not ticked in the file. */
  completedOnly: keys,
  onlyInFile: keys,
  onlyInStore: keys,
  changed: v.array(v.object({ key: v.string(), fields: keys })),
  isInSync: v.boolean(),
});

export const importPlan = defineOperation({
  name: "import",
  summary: "Takes a plan into the store; with sync, mends what drifted apart between its file and its session.",
  input: v.object({
    ...planInput,
    /** Takes the plan's tasks into this session; with `sync`, compares with it. */
    session: sessionReference,
    /** Mend drift both ways: tick the file, complete what is ticked, add what is new, cancel what is gone. */
    sync: v.optional(v.boolean(), false),
    /** Report drift and change nothing. */
    check: v.optional(v.boolean(), false),
    /** Refuse tasks whose executor this process does not have. */
    requireExecutors: v.optional(v.boolean(), true),
  }),
  output: v.object({
    /** `null` when there is none yet, with `check`. */
    session: v.nullable(sessionSchema),
    isNew: v.boolean(),
    /** What was found, with `sync` or `check`. */
    drift: v.nullable(driftSchema),
    mended: v.object({
      added: keys,
      changed: keys,
      /** In the store, because the file has them ticked. */
      completed: keys,
      cancelled: keys,
      /** Changed in the file, but running or done already: left as they are. */
      kept: keys,
      /** Boxes ticked in the file. */
      ticked: v.number(),
    }),
    notices: keys,
  }),
  async run(context, input) {
    const found = await readPlanFrom(context, input);
    await refuseWhatCannotRun(context, found.draft, input.requireExecutors);
    const notices = noticesOf(found.draft);
    if (input.sync || input.check) {
      const sessionId = await sessionToCompare(context, found, input.session);
      if (sessionId !== null) return await bringTogether(context, { found, sessionId, notices, isCheck: input.check });
      if (input.check) return { session: null, isNew: false, drift: newPlanDrift(found), mended: NOTHING, notices };
    }
    const submitted =
      input.session === null
        ? ((await finishedSessionOf(context, found, { onlyIfNothingIsLeft: false })) ??
          (await submitDraft(context, found, { concurrency: null })))
        : await addToSession(context, found, await findSessionId(context, input.session));
    return { ...toMended(submitted, 0), drift: input.sync ? newPlanDrift(found) : null, notices };
  },
});

const NOTHING = { added: [], changed: [], completed: [], cancelled: [], kept: [], ticked: 0 };

function toMended(submitted: SubmittedPlan, ticked: number) {
  const { session, isNew, added, changed, completed, cancelled, kept } = submitted;
  const mended = {
    added: [...added],
    changed: [...changed],
    completed: [...completed],
    cancelled: [...cancelled],
    kept: [...kept],
    ticked,
  };
  return { session: sessionToJson(session), isNew, mended };
}

function newPlanDrift({ draft }: FoundPlan): v.InferInput<typeof driftSchema> {
  const onlyInFile = draft.tasks.map((task) => task.key);
  return { tickedOnly: [], completedOnly: [], onlyInFile, onlyInStore: [], changed: [], isInSync: false };
}

async function sessionToCompare(
  context: OperationContext,
  { planFile }: FoundPlan,
  reference: string | null,
): Promise<SessionId | null> {
  if (reference !== null) return await findSessionId(context, reference);
  const newest = await context.store.execute(findPlanSession, { planFile });
  return newest === null || newest.session.status === "cancelled" ? null : newest.session.id;
}

interface BringTogether {
  readonly found: FoundPlan;
  readonly sessionId: SessionId;
  readonly notices: readonly string[];
  readonly isCheck: boolean;
}

async function bringTogether(context: OperationContext, { found, sessionId, notices, isCheck }: BringTogether) {
  const session = await context.store.execute(getSession, { sessionId });
  const { missing } = await tickPlan(context, sessionId, { isDryRun: true });
  const drift = findDrift({
    draft: found.draft,
    stored: await listAllTasks(context, { sessionId }),
    untickable: new Set(missing),
    session,
    commandTimeoutMs: context.config.worker.commandTimeoutMs,
  });
  const report = {
    drift: {
      tickedOnly: [...drift.tickedOnly],
      completedOnly: [...drift.completedOnly],
      onlyInFile: [...drift.onlyInFile],
      onlyInStore: [...drift.onlyInStore],
      changed: drift.changed.map(({ key, fields }) => ({ key, fields: [...fields] })),
      isInSync: drift.isInSync,
    },
    notices: [...notices],
  };
  if (isCheck || drift.isInSync) return { ...report, session: sessionToJson(session), isNew: false, mended: NOTHING };
  const submitted = isStoreBehind(drift)
    ? await submitDraft(context, found, { concurrency: session.concurrency, sessionId })
    : { session, isNew: false, added: [], changed: [], completed: [], cancelled: [], kept: [] };
  const { changed, failed } = await tickPlan(context, sessionId);
  return { ...report, ...toMended(submitted, changed), notices: [...notices, ...failed] };
}

/** Tasks whose keys the session has already are left as they are, so that importing twice changes nothing. */
async function addToSession(
  context: OperationContext,
  { draft }: FoundPlan,
  sessionId: SessionId,
): Promise<SubmittedPlan> {
  const statusOf = new Map((await listAllTasks(context, { sessionId })).map(({ key, status }) => [key, status]));
  const ticked = new Set(draft.tasks.filter(({ status }) => status === "completed").map(({ key }) => key));
  const after = comesAfter(draft.tasks, (key) =>
    statusOf.has(key) ? statusOf.get(key) === "completed" : ticked.has(key),
  );
  const tasks = await draftToNewTasks(draft, {
    now: context.clock.now(),
    commandTimeoutMs: context.config.worker.commandTimeoutMs,
  });
  const fresh = tasks.filter((task) => !statusOf.has(task.key));
  const { status, name } = await context.store.execute(getSession, { sessionId });
  if (status === "cancelled") {
    throw new PerdureError("wrong-state", {
      message: `Session ${name} is cancelled and takes no more tasks`,
      hint: "Import the plan without --session to start a new one.",
      details: { sessionId },
    });
  }
  if (fresh.length > 0) await context.store.execute(createTasks, { sessionId, tasks: fresh, after });
  const session = await context.store.execute(getSession, { sessionId });
  const kept = tasks.filter((task) => statusOf.has(task.key)).map((task) => task.ref);
  const added = fresh.map((task) => task.ref);
  return { session, isNew: false, added, changed: [], completed: [], cancelled: [], kept };
}
