/** Where the work stands, within a budget of tokens: rendered from the store alone, the same for the same state. */

import * as v from "valibot";

import { isPerdureError, PerdureError } from "../base/errors.ts";
import { LIMITS } from "../domain/limits.ts";
import { loadTokenCounter } from "../context/token-counter.ts";
import type { BriefState } from "../store/commands/brief-state.ts";
import { getBriefState } from "../store/commands/brief-state.ts";
import type { BriefName, BriefTask } from "../store/commands/brief-tasks.ts";
import { listWorkers } from "../store/commands/workers.ts";
import { fitBrief } from "./brief/fit.ts";
import { createNamer } from "./brief/names.ts";
import { nextCommands } from "./brief/next-commands.ts";
import type { Holder, Section } from "./brief/sections.ts";
import { renderSections } from "./brief/sections.ts";
import { sessionReference } from "./json/inputs.ts";
import { toDueIso } from "./json/times.ts";
import { isDead } from "../engine/take-over.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

/** The shortest brief there is takes less. */
const MIN_TOKENS = 100;
const DEFAULT_TOKENS = 1_000;
const NAMES = 20_000;
/** Of a section. */
const LINES = 200;
/** What a line of a section and a task of a list take, as a rule: what a budget has no room for is not read. */
const SHORT_LINE_TOKENS = 20;
const SHORT_ITEM_TOKENS = 10;

const named = { taskId: v.string(), key: v.nullable(v.string()) };
const line = {
  ...named,
  title: v.string(),
  /** The newest step of its journal. */
  step: v.nullable(v.object({ name: v.string(), status: v.string() })),
};

export const brief = defineOperation({
  name: "brief",
  summary: "Tells where the work stands, within a budget of tokens.",
  input: v.object({
    session: sessionReference,
    /** Most tokens of the text, as the o200k tokenizer counts them. */
    tokens: v.optional(v.pipe(v.number(), v.integer()), DEFAULT_TOKENS),
  }),
  output: v.object({
    project: v.string(),
    session: v.nullable(
      v.object({ id: v.string(), name: v.string(), status: v.string(), goal: v.nullable(v.string()) }),
    ),
    /** Groups left out. `pending` are those that are due; `later` those that are not. */
    counts: v.record(v.string(), v.number()),
    /** What the text names, in its order. */
    done: v.array(v.object(named)),
    now: v.array(
      v.object({
        ...line,
        attempt: v.number(),
        startedAt: v.string(),
        worker: v.nullable(v.string()),
        stopped: v.boolean(),
      }),
    ),
    next: v.array(v.object(line)),
    later: v.array(v.object({ ...line, runAt: v.nullable(v.string()) })),
    blocked: v.array(v.object({ ...line, reason: v.string(), note: v.nullable(v.string()) })),
    failed: v.array(v.object({ ...line, error: v.nullable(v.string()) })),
    /** The particulars the text has room for, by section, a line each. */
    sections: v.record(v.string(), v.array(v.string())),
    /** How many the text does not name, by list and section; without those of which it names all. */
    omitted: v.record(v.string(), v.number()),
    /** How to go on. */
    commands: v.array(v.string()),
    text: v.string(),
    tokenCount: v.number(),
    maxTokens: v.number(),
  }),
  async run(context, input) {
    refuseTooFew(input.tokens);
    const sessionId = await presentSessionId(context, input.session);
    const asked = {
      sessionId,
      names: NAMES,
      tasks: Math.ceil(input.tokens / SHORT_ITEM_TOKENS),
      lines: Math.min(LINES, Math.ceil(input.tokens / SHORT_LINE_TOKENS)),
    };
    // Asked for at once, so that they share a transaction where the store can.
    const [state, holders] = await Promise.all([context.store.execute(getBriefState, asked), findHolders(context)]);
    const namer = createNamer(namesIn(state));
    const commands = nextCommands({ state, namer, holders });
    const sections = renderSections({ state, namer, holders });
    const counter = await loadTokenCounter();
    const fitted = fitBrief({ state, namer, commands, sections, counter, budget: input.tokens });
    const listed = fitted.core?.listed ?? { done: 0, phases: 0, now: 0, next: 0, later: 0, blocked: 0, failed: 0 };
    const tasks = state.present?.tasks;
    const counts = tasks?.counts;
    return {
      project: state.projectName,
      session: sessionToJson(state),
      counts: counts === undefined ? {} : countsToJson(counts),
      done: (tasks?.doneNames ?? []).slice(0, listed.done).map(({ id, key }) => ({ taskId: id, key })),
      now: (tasks?.running ?? []).slice(0, listed.now).map((task) => {
        const holder = task.workerId === null ? undefined : holders.get(task.workerId);
        const { attempt, startedAt } = task;
        return {
          ...lineToJson(task),
          attempt,
          startedAt: new Date(startedAt).toISOString(),
          worker: holder?.label ?? null,
          stopped: holder === undefined || holder.isGone,
        };
      }),
      next: (tasks?.ready ?? []).slice(0, listed.next).map(lineToJson),
      later: (tasks?.later ?? [])
        .slice(0, listed.later)
        .map((task) => ({ ...lineToJson(task), runAt: toDueIso(task.runAt) })),
      blocked: (tasks?.blocked ?? [])
        .slice(0, listed.blocked)
        .map((task) => ({ ...lineToJson(task), reason: task.reason, note: task.note })),
      failed: (tasks?.failed ?? []).slice(0, listed.failed).map((task) => ({ ...lineToJson(task), error: task.error })),
      sections: Object.fromEntries(
        sections.flatMap(({ id, lines }, index) => {
          const shown = fitted.shown[index] ?? 0;
          return shown === 0 ? [] : [[id, lines.slice(0, shown).map((each) => each.replace(/^- /, ""))]];
        }),
      ),
      omitted: withoutZeros({
        done: (counts?.completed ?? 0) - listed.done,
        phases: (counts?.donePhases ?? 0) - listed.phases,
        now: (counts?.in_progress ?? 0) - listed.now,
        next: (counts?.ready ?? 0) - listed.next,
        later: (counts?.later ?? 0) - listed.later,
        blocked: (counts?.blocked ?? 0) - listed.blocked,
        failed: (counts?.failed ?? 0) - listed.failed,
        ...omittedLines(sections, fitted.shown),
      }),
      commands: [...commands],
      text: fitted.text,
      tokenCount: fitted.tokenCount,
      maxTokens: input.tokens,
    };
  },
});

/** What `perdure brief --json` gives. */
export type Brief = v.InferOutput<(typeof brief)["output"]>;

function refuseTooFew(tokens: number): void {
  if (tokens >= MIN_TOKENS && tokens <= LIMITS.briefTokens) return;
  throw new PerdureError("limit-reached", {
    message: `A brief has ${MIN_TOKENS} to ${LIMITS.briefTokens} tokens; ${tokens} were asked for`,
    hint: `\`perdure brief --tokens ${DEFAULT_TOKENS}\` tells the most important.`,
    details: { tokens, minTokens: MIN_TOKENS, maxTokens: LIMITS.briefTokens },
  });
}

/** The one `status` shows; `null` in a project without sessions. */
async function presentSessionId(context: OperationContext, reference: string | null) {
  try {
    return await findSessionId(context, reference);
  } catch (error) {
    if (reference === null && isPerdureError(error, "not-found")) return null;
    throw error;
  }
}

async function findHolders(context: OperationContext): Promise<ReadonlyMap<string, Holder>> {
  const workers = await context.store.execute(listWorkers, null);
  const now = context.clock.now();
  return new Map(
    workers.map((worker) => {
      const isGone = worker.leaseExpiresAt <= now || isDead(context, worker);
      return [worker.id, { label: worker.label, isGone }];
    }),
  );
}

function namesIn({ present }: BriefState): readonly BriefName[] {
  if (present === null) return [];
  const { doneNames, donePhaseNames, done, running, ready, later, blocked, failed } = present.tasks;
  const needs = blocked.flatMap((task) => task.needs);
  return [...doneNames, ...donePhaseNames, ...done, ...running, ...ready, ...later, ...blocked, ...failed, ...needs];
}

function sessionToJson({ present }: BriefState) {
  if (present === null) return null;
  const { id, name, status, goal } = present.session;
  return { id, name, status, goal };
}

function countsToJson(counts: NonNullable<BriefState["present"]>["tasks"]["counts"]): Record<string, number> {
  const { ready, later, blocked, in_progress, completed, failed, cancelled } = counts;
  return { pending: ready, later, blocked, in_progress, completed, failed, cancelled };
}

function lineToJson({ id, key, title, step }: BriefTask) {
  return { taskId: id, key, title, step };
}

function omittedLines(sections: readonly Section[], shown: readonly number[]): Record<string, number> {
  return Object.fromEntries(
    sections.map(({ id, total }, index) => [`sections.${id}`, total - (shown[index] ?? 0)] as const),
  );
}

function withoutZeros(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
