/** Continues a session at the exact point it had reached. */

import * as v from "valibot";

import type { SessionId } from "../domain/ids.ts";
import { getSessionOverview } from "../store/commands/session-overview.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { markEndTold } from "../store/commands/sessions.ts";
import { checkBeforeWork } from "./environment-check.ts";
import { concurrencyInput, labelsInput } from "./json/inputs.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import type { OperationContext, RunOptions } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { refuseDamaged } from "./refuse-damaged.ts";
import { openForWork, workSession } from "./session-work.ts";
import { status } from "./status.ts";

export const workInput = {
  concurrency: concurrencyInput,
  /** What this machine offers to tasks that require labels; as configured when not said. */
  labels: v.optional(labelsInput),
  /** Keep waiting for people instead of ending when only they can go on. */
  wait: v.optional(v.boolean(), false),
  /** Tick completed tasks off in a Markdown plan. */
  tick: v.optional(v.boolean(), true),
  /** Go on also where the environment does not fit the session's newest checkpoint. */
  force: v.optional(v.boolean(), false),
};

export const resumeOutput = v.object({
  session: sessionSchema,
  end: v.picklist(["completed", "failed", "blocked", "scheduled", "interrupted", "cancelled"]),
  /** Interrupted tasks that went on where they were. */
  continued: v.number(),
  /** Failed tasks that were tried again. */
  retried: v.number(),
  status: status.output,
});

export const resume = defineOperation({
  name: "resume",
  summary: "Finds the newest unfinished session, or the one named, and works it on to the end.",
  input: v.object({ session: v.optional(v.nullable(v.string()), null), ...workInput }),
  output: resumeOutput,
  async run(context, input, options) {
    await refuseDamaged(context);
    const sessionId = await findSessionId(context, input.session);
    await checkBeforeWork(context, { sessionId, force: input.force }, options);
    return await workOpened(context, { ...input, sessionId }, options);
  },
});

export interface WorkOpened {
  readonly sessionId: SessionId;
  readonly concurrency: number | null;
  readonly labels?: readonly string[] | undefined;
  readonly wait: boolean;
  readonly tick: boolean;
}

export async function workOpened(context: OperationContext, input: WorkOpened, options?: RunOptions) {
  const { session, continued, retried } = await openForWork(context, input.sessionId);
  const concurrency = input.concurrency ?? session.concurrency ?? context.config.worker.concurrency;
  await tellOpened(context, { ...input, concurrency, continued, retried }, options);
  const end = await workSession(context, { ...input, concurrency }, options);
  const finished = await context.store.execute(getSession, { sessionId: input.sessionId });
  const now = await status.run(context, { session: input.sessionId, lines: 1_000 });
  await context.store.execute(markEndTold, { sessionId: input.sessionId });
  return { session: sessionToJson(finished), end, continued, retried, status: now };
}

async function tellOpened(
  context: OperationContext,
  opened: {
    readonly sessionId: SessionId;
    readonly concurrency: number;
    readonly continued: number;
    readonly retried: number;
  },
  options: RunOptions | undefined,
): Promise<void> {
  if (options?.onEvent === undefined) return;
  const { sessionId, concurrency, continued, retried } = opened;
  const overview = await context.store.execute(getSessionOverview, { sessionId, lines: 1, concurrency });
  const { session, counts, progress } = overview;
  options.onEvent({
    type: "session_opened",
    sessionId,
    name: session.name,
    continued,
    retried,
    counts,
    percent: progress.percent,
  });
}
