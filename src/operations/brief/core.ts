/**
 * The core of a brief, in a fixed form a program can read: which tasks are done, which run and at which step, what is next.
 * It gets shorter by naming fewer tasks and saying how many it does not name, never by leaving a count out or guessing.
 */

import type { BriefState } from "../../store/commands/brief-state.ts";
import type { BriefTask } from "../../store/commands/brief-tasks.ts";
import type { Namer, NameRange } from "./names.ts";
import { toRanges } from "./names.ts";
import { quote } from "./quote.ts";

/** How many items each list of the core names; at least the first of what runs and what is next. */
export type CoreLevel = number;

/** From the fullest to the shortest. */
export const CORE_LEVELS: readonly CoreLevel[] = [100_000, 2_000, 1_000, 500, 250, 120, 60, 40, 25, 15, 10, 6, 3, 1, 0];

const STEP_CHARS = 80;
const SHORT_LEVEL = 3;

/** What of each list the core names. */
export interface CoreLists {
  readonly done: number;
  readonly phases: number;
  readonly now: number;
  readonly next: number;
  readonly later: number;
  readonly blocked: number;
  readonly failed: number;
}

export interface Core {
  readonly lines: readonly string[];
  readonly listed: CoreLists;
}

export interface CoreInput {
  readonly state: BriefState;
  readonly namer: Namer;
  /** The commands that go on from here. */
  readonly commands: readonly string[];
}

export function renderCore({ state, namer, commands }: CoreInput, level: CoreLevel): Core {
  const goOn = commands.map((command) => `Continue: \`${command}\``);
  const { present } = state;
  const opening = level < SHORT_LEVEL ? [] : [`Project ${quote(state.projectName, 100)}`];
  const nothing = { done: 0, phases: 0, now: 0, next: 0, later: 0, blocked: 0, failed: 0 };
  if (present === null) return { lines: [...opening, "No session yet", ...goOn], listed: nothing };
  const { session, tasks } = present;
  const { counts } = tasks;
  const total = totalOf(tasks.counts);
  const atLeastOne = Math.max(1, level);
  const done = cutRanges(toRanges(tasks.doneNames.map((task) => namer.name(task))), level);
  const phases = cutRanges(toRanges(tasks.donePhaseNames.map((task) => namer.name(task))), level);
  const named = {
    now: tasks.running.slice(0, atLeastOne),
    next: tasks.ready.slice(0, atLeastOne),
    later: tasks.later.slice(0, Math.min(level, 20)),
    blocked: tasks.blocked.slice(0, level),
    failed: tasks.failed.slice(0, level),
  };
  const itemOf = (task: BriefTask): string => namer.name(task) + stepWords(task.step);
  const lines = [
    ...opening,
    `Session ${quote(session.name, level < SHORT_LEVEL ? 30 : 200)} ${session.id.slice(0, 8)} ${session.status}`,
    ...(session.goal === null || level === 0 ? [] : [`Goal ${quote(session.goal, level < SHORT_LEVEL ? 60 : 400)}`]),
    listLine(`Done ${counts.completed}/${total}`, done.texts, counts.completed - done.count),
    ...(counts.phases === 0
      ? []
      : [
          listLine(`Phases done ${counts.donePhases}/${counts.phases}`, phases.texts, counts.donePhases - phases.count),
        ]),
    listLine(`Now ${counts.in_progress}`, named.now.map(itemOf), counts.in_progress - named.now.length),
    listLine(`Next ${counts.ready}`, named.next.map(itemOf), counts.ready - named.next.length),
    ...unlessNone(counts.later, () =>
      listLine(
        `Later ${counts.later}`,
        named.later.map((task) => `${itemOf(task)} (${shortInstant(task.runAt)})`),
        counts.later - named.later.length,
      ),
    ),
    ...unlessNone(counts.blocked, () =>
      listLine(
        `Blocked ${counts.blocked}`,
        named.blocked.map((task) => `${itemOf(task)} (${task.reason})`),
        counts.blocked - named.blocked.length,
      ),
    ),
    ...unlessNone(counts.failed, () =>
      listLine(`Failed ${counts.failed}`, named.failed.map(itemOf), counts.failed - named.failed.length),
    ),
    ...unlessNone(counts.cancelled, () => `Cancelled ${counts.cancelled}`),
    ...goOn,
  ];
  return {
    lines,
    listed: {
      done: done.count,
      phases: phases.count,
      now: named.now.length,
      next: named.next.length,
      later: named.later.length,
      blocked: named.blocked.length,
      failed: named.failed.length,
    },
  };
}

/** One line that fits any budget a brief may have: counts only. */
export function renderMinimum({ present }: BriefState): string {
  if (present === null) return "No session yet; begin with `perdure run PLAN`";
  const { session, tasks } = present;
  const { counts } = tasks;
  return [
    `Session ${session.id.slice(0, 8)} ${session.status}: done ${counts.completed}/${totalOf(counts)}`,
    `now ${counts.in_progress}, next ${counts.ready}, blocked ${counts.blocked}, failed ${counts.failed}`,
    "more with `perdure brief --tokens 1000`",
  ].join("; ");
}

/** Groups and cancelled tasks left out. */
function totalOf(counts: NonNullable<BriefState["present"]>["tasks"]["counts"]): number {
  return counts.completed + counts.in_progress + counts.ready + counts.later + counts.blocked + counts.failed;
}

export function shortInstant(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

function stepWords(step: BriefTask["step"]): string {
  if (step === null) return "";
  return ` ${step.status === "completed" ? "after" : "at"} ${quote(step.name, STEP_CHARS)}`;
}

function listLine(label: string, items: readonly string[], others: number): string {
  const parts = [items.join(", "), ...(others > 0 ? [`${others} ${items.length > 0 ? "more" : "not named"}`] : [])];
  const list = parts.filter((part) => part !== "").join("; ");
  return list === "" ? label : `${label}: ${list}`;
}

function unlessNone(count: number, line: () => string): readonly string[] {
  return count === 0 ? [] : [line()];
}

function cutRanges(
  ranges: readonly NameRange[],
  most: number,
): { readonly texts: readonly string[]; readonly count: number } {
  const kept = ranges.slice(0, most);
  return { texts: kept.map(({ text }) => text), count: kept.reduce((sum, { count }) => sum + count, 0) };
}
