/** Where work would go on, without going on. */

import * as v from "valibot";

import type { SessionStatus } from "../domain/session.ts";
import { isFinishedSession } from "../domain/session.ts";
import type { ResumePoint, ResumeTask } from "../store/commands/resume-point.ts";
import { getResumePoint } from "../store/commands/resume-point.ts";
import { countsSchema, countsToJson } from "./json/counts.ts";
import { sessionReference } from "./json/inputs.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

export const resumePoint = defineOperation({
  name: "resume-point",
  summary: "Finds where work would go on: the session, its tasks that were begun, and the step each had reached.",
  input: v.object({
    session: sessionReference,
    /** Most tasks. */
    lines: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 10),
  }),
  output: v.object({
    session: v.object({ id: v.string(), name: v.string(), status: v.string() }),
    /** Whether anything is left to go on with. */
    isResumable: v.boolean(),
    counts: countsSchema,
    /** In the order in which they matter: what ran, what was interrupted, what is ready to go on, what waits, what failed, what is next. */
    tasks: v.array(
      v.object({
        kind: v.picklist(["running", "interrupted", "begun", "waiting", "failed", "ready"]),
        taskId: v.string(),
        key: v.nullable(v.string()),
        title: v.string(),
        executionId: v.nullable(v.string()),
        attempt: v.nullable(v.number()),
        recordedSteps: v.number(),
        step: v.nullable(v.object({ name: v.string(), status: v.string() })),
      }),
    ),
    /** All of it in a sentence. */
    summary: v.string(),
  }),
  async run(context, { session: reference, lines }) {
    const sessionId = await findSessionId(context, reference);
    const point = await context.store.execute(getResumePoint, { sessionId, limit: lines });
    const { id, name, status } = point.session;
    return {
      session: { id, name, status },
      isResumable: isResumable(point),
      counts: countsToJson(point.counts),
      tasks: [...point.tasks],
      summary: resumeSummary(point),
    };
  },
});

function isResumable({ session, tasks }: ResumePoint): boolean {
  return !isFinishedSession(session.status) && tasks.length > 0;
}

/** Pure. */
function resumeSummary(point: ResumePoint): string {
  const { session, counts, tasks } = point;
  const total = counts.completed + counts.failed + counts.pending + counts.blocked + counts.in_progress;
  const done = `${counts.completed} of ${total} tasks are done`;
  const [first] = tasks;
  if (first === undefined || !isResumable(point))
    return `Session ${session.name} is ${session.status}: nothing is left to resume; ${done}.`;
  return `Session ${session.name} (${STATUS_WORDS[session.status]}) goes on with ${nameOf(first)}${where(first)}; ${done}.`;
}

const STATUS_WORDS: Readonly<Record<SessionStatus, string>> = {
  created: "not started",
  active: "active",
  paused: "paused",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
};

function nameOf({ key, title }: ResumeTask): string {
  return key === null ? JSON.stringify(title) : key;
}

function where({ kind, step, recordedSteps }: ResumeTask): string {
  if (kind === "ready") return ", from its beginning";
  const again = kind === "failed" ? ", which is tried again" : kind === "waiting" ? ", which waits" : "";
  if (step === null) return `${again}, before its first step`;
  const place = step.status === "completed" ? `after step ${step.name}` : `at step ${step.name}`;
  return `${again}, ${place} (${recordedSteps} recorded)`;
}
