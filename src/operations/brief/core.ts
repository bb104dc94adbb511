/**
 * The core of a brief, in a fixed form a program can read: which tasks are done, which run and at which step, what is next.
 * It gets shorter by naming fewer tasks and saying how many it does not name, never by leaving a count out or guessing.
 */

import type { BriefState } from "../../store/commands/brief-state.ts";
import type { BriefName, BriefTask } from "../../store/commands/brief-tasks.ts";
import type { Namer, NameRange } from "./names.ts";
import { toRanges } from "./names.ts";
import { quote } from "./quote.ts";

/** How many items a core that does not name all names of what is done and what runs; at least the first of what runs. */
const LEVELS: readonly number[] = [2_000, 1_000, 500, 250, 120, 60, 40, 25, 15, 10, 6, 3, 1, 0];
/** Most items of the other lists then: their tasks are told better with their titles. At least the first of what is next. */
const MOST_OTHERS = 20;
const STEP_CHARS = 80;
const SHORT_LEVEL = 3;
const MOST_LATER = 20;

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

/** Every core there is of this state, from the fullest, which names all that was read, to the shortest. */
export function* coresOf(input: CoreInput): Generator<Core> {
  const names = namesOf(input);
  yield renderCore(input, names, Number.POSITIVE_INFINITY);
  const longest = Math.max(names.done.length, names.phases.length, names.now.length);
  // Those that would name more than there is are all alike.
  const fullest = Math.max(
    LEVELS.findLastIndex((level) => level >= longest && level >= MOST_OTHERS),
    0,
  );
  for (const level of LEVELS.slice(fullest)) yield renderCore(input, names, level);
}

type CoreNames = Readonly<Record<keyof CoreLists, readonly NameRange[]>>;

/** What each list names at its fullest. */
function namesOf({ state: { present }, namer }: CoreInput): CoreNames {
  if (present === null) return { done: [], phases: [], now: [], next: [], later: [], blocked: [], failed: [] };
  const { tasks } = present;
  const plain = (list: readonly BriefName[]) => toRanges(list.map((task) => ({ name: namer.name(task), more: "" })));
  const withStep = (list: readonly BriefTask[], remarkOf: (at: number) => string = () => "") =>
    toRanges(list.map((task, at) => ({ name: namer.name(task), more: stepWords(task.step) + remarkOf(at) })));
  const later = tasks.later.slice(0, MOST_LATER);
  return {
    done: plain(tasks.doneNames),
    phases: plain(tasks.donePhaseNames),
    now: withStep(tasks.running),
    next: withStep(tasks.ready),
    later: withStep(later, (at) => ` (${shortInstant(later[at]?.runAt ?? 0)})`),
    blocked: withStep(tasks.blocked, (at) => ` (${tasks.blocked[at]?.reason ?? ""})`),
    failed: withStep(tasks.failed),
  };
}

function renderCore({ state, commands }: CoreInput, names: CoreNames, level: number): Core {
  const goOn = commands.map((command) => `Continue: \`${command}\``);
  const { present } = state;
  const opening = level < SHORT_LEVEL ? [] : [`Project ${quote(state.projectName, 100)}`];
  if (present === null) {
    const nothing = { done: 0, phases: 0, now: 0, next: 0, later: 0, blocked: 0, failed: 0 };
    return { lines: [...opening, "No session yet", ...goOn], listed: nothing };
  }
  const { session, tasks } = present;
  const { counts } = tasks;
  const others = Number.isFinite(level) ? Math.min(level, MOST_OTHERS) : level;
  const done = cutRanges(names.done, level);
  const phases = cutRanges(names.phases, level);
  const now = cutRanges(names.now, Math.max(1, level));
  const next = cutRanges(names.next, Math.max(1, others));
  const later = cutRanges(names.later, others);
  const blocked = cutRanges(names.blocked, others);
  const failed = cutRanges(names.failed, others);
  const lines = [
    ...opening,
    `Session ${quote(session.name, level < SHORT_LEVEL ? 30 : 200)} ${session.id.slice(0, 8)} ${session.status}`,
    ...(session.goal === null || level === 0 ? [] : [`Goal ${quote(session.goal, level < SHORT_LEVEL ? 60 : 400)}`]),
    listLine(`Done ${counts.completed}/${totalOf(counts)}`, done, counts.completed),
    ...unlessNone(counts.phases, () =>
      listLine(`Phases done ${counts.donePhases}/${counts.phases}`, phases, counts.donePhases),
    ),
    listLine(`Now ${counts.in_progress}`, now, counts.in_progress),
    listLine(`Next ${counts.ready}`, next, counts.ready),
    ...unlessNone(counts.later, () => listLine(`Later ${counts.later}`, later, counts.later)),
    ...unlessNone(counts.blocked, () => listLine(`Blocked ${counts.blocked}`, blocked, counts.blocked)),
    ...unlessNone(counts.failed, () => listLine(`Failed ${counts.failed}`, failed, counts.failed)),
    ...unlessNone(counts.cancelled, () => `Cancelled ${counts.cancelled}`),
    ...goOn,
  ];
  return {
    lines,
    listed: {
      done: done.count,
      phases: phases.count,
      now: now.count,
      next: next.count,
      later: later.count,
      blocked: blocked.count,
      failed: failed.count,
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

function listLine(label: string, { texts, count }: CutRanges, total: number): string {
  const others = total - count;
  const parts = [texts.join(", "), ...(others > 0 ? [`${others} ${count > 0 ? "more" : "not named"}`] : [])];
  const list = parts.filter((part) => part !== "").join("; ");
  return list === "" ? label : `${label}: ${list}`;
}

function unlessNone(count: number, line: () => string): readonly string[] {
  return count === 0 ? [] : [line()];
}

interface CutRanges {
  readonly texts: readonly string[];
  /** How many tasks they name. */
  readonly count: number;
}

function cutRanges(ranges: readonly NameRange[], most: number): CutRanges {
  const kept = ranges.slice(0, most);
  return { texts: kept.map(({ text }) => text), count: kept.reduce((sum, { count }) => sum + count, 0) };
}
