/** The particulars of a brief, section by section: one line for each, every text of others quoted. */

import type { Json, JsonObject } from "../../base/json.ts";
import { MANUAL_EXECUTOR } from "../../domain/task.ts";
import type { BriefKnowledge } from "../../store/commands/brief-knowledge.ts";
import type { BriefState } from "../../store/commands/brief-state.ts";
import type {
  BriefBlocked,
  BriefDone,
  BriefPending,
  BriefRunning,
  BriefTask,
} from "../../store/commands/brief-tasks.ts";
import { shortInstant } from "./core.ts";
import type { Namer } from "./names.ts";
import { quote } from "./quote.ts";

export const SECTION_IDS = [
  "running",
  "questions",
  "failed",
  "blocked",
  "next",
  "facts",
  "done",
  "files",
  "environment",
  "memory",
  "messages",
  "others",
] as const;
export type SectionId = (typeof SECTION_IDS)[number];

export interface Section {
  readonly id: SectionId;
  readonly title: string;
  /** Those with a lower one get their lines first. */
  readonly rank: number;
  readonly lines: readonly string[];
  /** Also what was not read. */
  readonly total: number;
}

/** Whoever holds a running task. */
export interface Holder {
  readonly label: string;
  /** Its process is gone or its lease has run out. */
  readonly isGone: boolean;
}

export interface SectionInput {
  readonly state: BriefState;
  readonly namer: Namer;
  /** By worker id. */
  readonly holders: ReadonlyMap<string, Holder>;
}

const CHARS = { title: 80, note: 160, fact: 240, value: 80, path: 200 } as const;

export function renderSections(input: SectionInput): readonly Section[] {
  const { state, namer } = input;
  const { present, facts } = state;
  const factLines = facts.items.map((fact) => {
    const doubt = fact.isQuestioned
      ? `, questioned${fact.note === null ? "" : `: ${quote(fact.note, CHARS.note)}`}`
      : "";
    return `- ${plainWord(fact.kind)} ${quote(fact.text, CHARS.fact)} (from ${quote(fact.source, CHARS.title)}${doubt})`;
  });
  const factSection = section("facts", "Decisions and constraints in force", 5, factLines, facts.total);
  if (present === null) return [factSection].filter(hasLines);
  const { tasks, others } = present;
  const { counts } = tasks;
  const asked = tasks.blocked.filter(isForSomebody);
  const stuck = tasks.blocked.filter((task) => !isForSomebody(task));
  const questioned = facts.items.filter((fact) => fact.isQuestioned);
  const questionLines = [
    ...asked.map((task) => questionLine(task, namer)),
    ...questioned.map((fact) => `- Does this still hold? ${quote(fact.text, CHARS.note)}`),
  ];
  const unread = counts.blocked - tasks.blocked.length;
  const doneTold = tasks.done.filter(
    (task) => task.title !== task.key || task.evidence !== null || task.artifacts.length > 0,
  );
  const sections: readonly Section[] = [
    section(
      "running",
      "Running",
      1,
      tasks.running.map((task) => runningLine(task, input)),
      counts.in_progress,
    ),
    section("questions", "Open questions", 2, questionLines),
    section(
      "failed",
      "Failed",
      3,
      tasks.failed.map(
        (task) =>
          `- ${named(task, namer)}: ${quote(task.error ?? "no reason given", CHARS.note)}; \`perdure task retry ${namer.word(task)}\``,
      ),
      counts.failed,
    ),
    section(
      "blocked",
      "Blocked",
      4,
      stuck.map((task) => `- ${named(task, namer)}: ${whyBlocked(task, namer)}`),
      stuck.length + unread,
    ),
    section(
      "next",
      "Next in order",
      6,
      tasks.ready.map((task, at) => nextLine(task, { namer, isFirst: at === 0 })),
      counts.ready,
    ),
    factSection,
    section(
      "done",
      "Done, newest first",
      7,
      doneTold.map((task) => doneLine(task, namer)),
      counts.completed - tasks.done.length + doneTold.length,
    ),
    section(
      "files",
      "Files touched",
      8,
      present.files.map((file) => `- ${quote(file, CHARS.path)}`),
    ),
    section("environment", "Changed in the environment", 9, environmentLines(present.environments)),
    section(
      "memory",
      "Working memory",
      10,
      present.memory.items.map(({ key, value }) => `- ${quote(key, CHARS.title)} = ${shortValue(value)}`),
      present.memory.total,
    ),
    section("messages", "Conversation", 11, messageLines(present.messages)),
    section(
      "others",
      "Other unfinished sessions",
      12,
      others.items.map(({ id, name, status }) => `- ${quote(name, CHARS.title)} ${id.slice(0, 8)} ${status}`),
      others.total,
    ),
  ];
  return sections.filter(hasLines);
}

function section(
  id: SectionId,
  title: string,
  rank: number,
  lines: readonly string[],
  total: number = lines.length,
): Section {
  return { id, title, rank, lines, total };
}

function hasLines({ lines }: Section): boolean {
  return lines.length > 0;
}

function named(task: BriefTask, namer: Namer): string {
  const name = namer.name(task);
  return task.title === task.key ? name : `${name} ${quote(task.title, CHARS.title)}`;
}

function runningLine(task: BriefRunning, { namer, holders }: SectionInput): string {
  const holder = task.workerId === null ? undefined : holders.get(task.workerId);
  const parts = [
    `attempt ${task.attempt}`,
    `since ${shortInstant(task.startedAt)}`,
    ...(task.percent === null ? [] : [`${Math.round(task.percent)}%`]),
    ...(task.message === null ? [] : [quote(task.message, CHARS.note)]),
  ];
  if (holder === undefined || holder.isGone) {
    const who = holder === undefined ? "its worker" : `its worker ${quote(holder.label, CHARS.title)}`;
    return `- ${named(task, namer)}: STOPPED, ${who} is gone; ${parts.join(", ")}; \`perdure resume\` goes on after what is recorded`;
  }
  return `- ${named(task, namer)}: ${parts.join(", ")}, by ${quote(holder.label, CHARS.title)}`;
}

/** Only a person or an agent can say how it goes on. */
function isForSomebody({ reason, note, question }: BriefBlocked): boolean {
  return reason === "unknown_outcome" || question !== null || (reason === "interrupted" && note !== null);
}

function questionLine(task: BriefBlocked, namer: Namer): string {
  const word = namer.word(task);
  if (task.question !== null)
    return `- ${named(task, namer)} asks ${quote(task.question, CHARS.note)}; \`perdure task approve ${word}\` or \`perdure task reject ${word}\``;
  if (task.reason === "unknown_outcome") {
    const step = task.step === null ? "" : `step ${quote(task.step.name, CHARS.title)} of `;
    return `- Did ${step}${named(task, namer)} take place? \`perdure task resolve ${word} --done|--retry|--skip\``;
  }
  return `- ${named(task, namer)} was set aside: ${quote(task.note ?? "", CHARS.note)}; \`perdure task retry ${word}\``;
}

function whyBlocked({ reason, note, needs, runAt }: BriefBlocked, namer: Namer): string {
  const said = note === null ? "" : ` ${quote(note, CHARS.note)}`;
  switch (reason) {
    case "dependencies":
    case "dependency_failed": {
      const names = needs.map((need) => `${namer.name(need)} (${need.status})`).join(", ");
      return names === "" ? `${reason}${said}` : `needs ${names}`;
    }
    case "waiting":
      return `waits for${note === null ? " others" : said}${isInstant(runAt) ? ` until ${shortInstant(runAt)}` : ""}`;
    case "interrupted":
      return "interrupted; `perdure resume` continues it";
    case "unknown_outcome":
    case "budget":
      return `${reason}${said}`;
  }
}

/** Before the end of time, at which what has no time limit is due. */
function isInstant(at: number): boolean {
  return at < 8_640_000_000_000_000;
}

/** How to report what is done by hand is told once; it is the same for all. */
function nextLine(
  task: BriefPending,
  { namer, isFirst }: { readonly namer: Namer; readonly isFirst: boolean },
): string {
  const hand =
    isFirst && task.executor === MANUAL_EXECUTOR
      ? `; by hand: \`perdure task done ${namer.word(task)} --evidence TEXT\``
      : "";
  return `- ${named(task, namer)}: priority ${task.priority}${hand}`;
}

function doneLine(task: BriefDone, namer: Namer): string {
  const parts = [
    `at ${shortInstant(task.completedAt)}`,
    ...(task.evidence === null ? [] : [`evidence ${quote(task.evidence, CHARS.note)}`]),
    ...(task.artifacts.length === 0
      ? []
      : [`artifacts ${task.artifacts.map((name) => quote(name, CHARS.title)).join(", ")}`]),
  ];
  return `- ${named(task, namer)}: ${parts.join(", ")}`;
}

/** Fields that differ between the two; `changedFiles` are told as files. */
function environmentLines(environments: BriefKnowledge["environments"]): readonly string[] {
  if (environments === null || environments.before === null) return [];
  const { before, after, changedAt } = environments;
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  const differing = fields.filter(
    (field) => field !== "changedFiles" && JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
  const since = `by ${shortInstant(changedAt)}`;
  return differing.map(
    (field) =>
      `- ${quote(field, CHARS.title)}: ${shownField(before, field)} became ${shownField(after, field)} ${since}`,
  );
}

function shownField(content: JsonObject, field: string): string {
  const value = content[field];
  return value === undefined ? "nothing" : shortValue(value);
}

/** As JSON; quoted once more only where it has to be cut. */
function shortValue(value: Json): string {
  if (typeof value === "string") return quote(value, CHARS.value);
  const written = JSON.stringify(value);
  return typeof value === "object" && value !== null ? quote(written, CHARS.value) : written;
}

function messageLines({ count, tokenCount, newestAt }: BriefKnowledge["messages"]): readonly string[] {
  if (count === 0 || newestAt === null) return [];
  return [`- ${count} messages of ${tokenCount} tokens, the newest at ${shortInstant(newestAt)}`];
}

/** A word of ours, or what somebody put in its place. */
function plainWord(word: string): string {
  return /^\w{1,40}$/.test(word) ? word : quote(word, CHARS.title);
}
