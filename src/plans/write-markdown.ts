/**
 * A plan as a Markdown check list. It carries ids, titles, descriptions, states, order, priorities, shell commands and
 * code; what it does not carry is found by reading it back, and listed.
 */

import type { PlanDraft, TaskDraft } from "../domain/plan-draft.ts";
import { COMMAND_EXECUTOR, GROUP_EXECUTOR } from "../domain/task.ts";
import { isJsonObject } from "../base/json.ts";
import { isPerdureError } from "../base/errors.ts";
import { canonicalJson, definitionOf } from "./fingerprint.ts";
import { markdownPlan } from "./markdown-plan.ts";
import { collectProblems } from "./problems.ts";
import { TASK_DEFAULTS } from "./task-defaults.ts";
import { CODE_EXECUTOR } from "./task-work.ts";

export interface WrittenMarkdown {
  readonly text: string;
  /** What the text does not say: `"build" loses timeoutMs, schedule`. */
  readonly notCarried: readonly string[];
}

export function draftToMarkdown(draft: PlanDraft): WrittenMarkdown {
  const children = new Map<string | null, TaskDraft[]>();
  for (const task of draft.tasks) {
    const siblings = children.get(task.parentKey);
    if (siblings === undefined) children.set(task.parentKey, [task]);
    else siblings.push(task);
  }
  const childrenOf = (task: TaskDraft | null): readonly TaskDraft[] => children.get(task?.key ?? null) ?? [];
  const blocks = [`# ${oneLine(draft.name)}`, "<!-- order: free -->", ...writeSection(null, { level: 1, childrenOf })];
  const text = `${blocks.join("\n\n")}\n`;
  return { text, notCarried: notCarriedBy(text, draft) };
}

interface Section {
  readonly level: number;
  readonly childrenOf: (task: TaskDraft | null) => readonly TaskDraft[];
}

const MAX_HEADING_LEVEL = 6;

/** Boxes first, then the groups at the end as headings: behind a heading no box of the level above could stand. */
function writeSection(owner: TaskDraft | null, { level, childrenOf }: Section): readonly string[] {
  const tasks = childrenOf(owner);
  const lastBox = tasks.findLastIndex((task) => !canBeHeading(task, { level: level + 1, childrenOf }));
  const boxes = tasks.slice(0, lastBox + 1).flatMap((task) => writeBox(task, 0, childrenOf));
  const sections = tasks
    .slice(lastBox + 1)
    .flatMap((task) => [
      `${"#".repeat(level + 1)} ${oneLine(task.title)}${commentOf(task, task.key)}`,
      ...(task.description === null ? [] : [task.description]),
      ...writeSection(task, { level: level + 1, childrenOf }),
    ]);
  return boxes.length === 0 ? sections : [boxes.join("\n"), ...sections];
}

/** A heading has no box: its state must follow from the boxes under it. */
function canBeHeading(task: TaskDraft, { level, childrenOf }: Section): boolean {
  if (task.executor !== GROUP_EXECUTOR || childrenOf(task).length === 0 || level > MAX_HEADING_LEVEL) return false;
  return (task.status === "completed") === childrenOf(task).every((child) => child.status === "completed");
}

function writeBox(task: TaskDraft, indent: number, childrenOf: Section["childrenOf"]): readonly string[] {
  const space = " ".repeat(indent);
  const id = LEADING_ID.test(task.key) ? `${task.key} ` : "";
  const box = `${space}- [${task.status === "completed" ? "x" : " "}] ${id}${oneLine(task.title)}${doneSign(task)}${commentOf(task, id === "" ? task.key : null)}`;
  const inside = " ".repeat(indent + 2);
  const description = task.description === null ? [] : ["", ...indented(task.description, inside), ""];
  return [
    box,
    ...description,
    ...indented(fenceOf(task), inside),
    ...childrenOf(task).flatMap((child) => writeBox(child, indent + 2, childrenOf)),
  ];
}

/** A day is all that a check list has room for. */
function doneSign({ status, completedAt }: TaskDraft): string {
  return status === "completed" && completedAt !== null
    ? ` ✅ ${new Date(completedAt).toISOString().slice(0, 10)}`
    : "";
}

function indented(text: string, space: string): readonly string[] {
  return text === "" ? [] : text.split("\n").map((line) => (line === "" ? "" : space + line));
}

const LEADING_ID = /^(?:T\d{2,}[a-z]?|\d+(?:\.\d+)+)$/;

function commentOf(task: TaskDraft, key: string | null): string {
  const said = [
    ...(key === null ? [] : [`id: ${keyText(key)}`]),
    ...(task.needs.length === 0 ? [] : [`depends: ${task.needs.map(keyText).join(", ")}`]),
    ...(task.priority === TASK_DEFAULTS.priority ? [] : [`priority: ${task.priority}`]),
  ];
  return said.length === 0 ? "" : ` <!-- ${said.join("; ")} -->`;
}

/** As a bare word, else as JSON in which nothing ends the comment or the list. */
function keyText(key: string): string {
  if (/^[\w.:/@+#][\w.:/@+#-]*$/.test(key) && key.toLowerCase() !== "none") return key;
  return JSON.stringify(key).replaceAll(
    /[;><\u0085\u2028\u2029-]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function fenceOf({ executor, input }: TaskDraft): string {
  if (!isJsonObject(input)) return "";
  const isOnly = (keys: number): boolean => Object.keys(input).length === keys;
  if (executor === COMMAND_EXECUTOR && isOnly(1) && typeof input.run === "string") return fenced("sh", input.run);
  if (executor === CODE_EXECUTOR && isOnly(2) && typeof input.code === "string")
    return fenced(String(input.language), input.code);
  return "";
}

function fenced(language: string, body: string): string {
  const longest = Math.max(2, ...[...body.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${body}\n${fence}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function notCarriedBy(text: string, draft: PlanDraft): readonly string[] {
  let read: PlanDraft;
  try {
    read = markdownPlan(
      { path: "plan.md", text },
      { problems: collectProblems(), defaults: TASK_DEFAULTS, order: null, isSpecKit: null },
    );
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    return [`the check list cannot be read back: ${error.message}`];
  }
  const readTasks = new Map(read.tasks.map((task) => [task.key, task]));
  return [
    ...(draft.goal === null ? [] : ["the plan loses its goal"]),
    ...(draft.concurrency === null ? [] : ["the plan loses its concurrency"]),
    ...draft.tasks.flatMap((task) => lostBy(task, readTasks.get(task.key))),
  ];
}

function lostBy(task: TaskDraft, read: TaskDraft | undefined): readonly string[] {
  if (read === undefined) return [`"${task.key}" is lost`];
  const before: Readonly<Record<string, unknown>> = {
    ...definitionOf(task),
    status: task.status,
    completedAt: task.completedAt,
  };
  const after: Readonly<Record<string, unknown>> = {
    ...definitionOf(read),
    status: read.status,
    completedAt: read.completedAt,
  };
  const fields = Object.keys(before).filter((field) => canonicalJson(before[field]) !== canonicalJson(after[field]));
  return fields.length === 0 ? [] : [`"${task.key}" loses ${fields.join(", ")}`];
}
