/** Markdown check lists, in the dialects of spec-kit, OpenSpec and plain lists, to a plan. */

import type { PlanDraft, PlanNotice, TaskDraft } from "../domain/plan-draft.ts";
import { COMMAND_EXECUTOR, GROUP_EXECUTOR } from "../domain/task.ts";
import type { LocatedTask } from "./finish-plan.ts";
import { finishPlan } from "./finish-plan.ts";
import { yieldToSaid } from "./markdown-cycles.ts";
import type { KeyedOutline, KeyedPart } from "./markdown-keys.ts";
import { keyedOutline } from "./markdown-keys.ts";
import { markdownNotices } from "./markdown-notices.ts";
import type { PlanOrder } from "./markdown-order.ts";
import { orderedNeeds, PLAN_ORDERS } from "./markdown-order.ts";
import type { Outline, OutlineBox } from "./markdown-outline.ts";
import { indentOf, isTicked, outlineOf, withoutIndent } from "./markdown-outline.ts";
import { nameFromPath } from "./plan-name.ts";
import type { PlanText } from "./plan-source.ts";
import type { Place, Problems } from "./problems.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import { blankTask } from "./task-defaults.ts";
import { CODE_EXECUTOR } from "./task-work.ts";

export interface MarkdownOptions {
  readonly problems: Problems;
  readonly defaults: TaskDefaults;
  /** `null`: what the file says in `<!-- order: free -->`, else `sequential`. */
  readonly order: PlanOrder | null;
  /** `null`: spec-kit's if boxes have ids like `T001`. */
  readonly isSpecKit: boolean | null;
}

/** @throws PerdureError `invalid-plan` or `limit-reached`, with the place of everything that is wrong */
export function markdownPlan(source: PlanText, { problems, defaults, order, isSpecKit }: MarkdownOptions): PlanDraft {
  const file = source.path;
  const outline = outlineOf(source.text);
  const keyed = keyedOutline(outline.root, { file, problems });
  const all = allParts(keyed.parts);
  if (all.length === 0) {
    problems.add({ file, line: 1, column: 1 }, "the file has no check boxes", {
      hint: "Write tasks as `- [ ] What to do`.",
    });
  }

  const placeOf = ({ part }: KeyedPart): Place => ({ file, line: part.line, column: part.column });
  const chosen = order ?? saidOrder(outline) ?? "sequential";
  const specKit = isSpecKit ?? all.some(({ part, key }) => part.kind === "box" && /^T(?:\d{3}|X{2,})/.test(key));
  const hasBarriers = chosen === "phases" || (chosen === "sequential" && specKit);
  const needs = orderedNeeds(keyed.parts, { order: chosen, hasBarriers, placeOf });
  const parents = parentsOf(keyed.parts);
  const yielded = yieldToSaid(
    all.map((part) => ({ key: part.key, parentKey: parents.get(part)?.key ?? null, needs: needs.get(part) ?? [] })),
  );
  const given = new Set(yielded.map(({ need }) => need));

  const tasks = all.map((part): LocatedTask => {
    const parent = parents.get(part);
    return {
      draft: draftOf(part, defaults, { file, problems }),
      place: placeOf(part),
      needs: (needs.get(part) ?? []).filter((need) => !given.has(need)),
      parent: parent === undefined ? null : { key: parent.key, place: placeOf(part) },
    };
  });
  const yieldNotices: readonly PlanNotice[] = yielded.map(({ key, need }) => ({
    message: `"${key}" does not wait for "${need.key}" above it, because something above needs it first`,
    source: { file, line: need.place.line },
  }));
  const plan = {
    ...nameOf(keyed, file),
    goal: null,
    concurrency: null,
    tasks,
    notices: [...markdownNotices({ file, outline, keyed }), ...yieldNotices],
  };
  return finishPlan(plan, problems, { missing: "problem", inheritNeeds: false });
}

function nameOf({ titleHeading }: KeyedOutline, file: string): { readonly name: string; readonly namePlace: Place } {
  const title = titleHeading?.text.replace(/^tasks:\s*/i, "").trim() ?? "";
  const name = title === "" ? nameFromPath(file) : title;
  return { name, namePlace: { file, line: titleHeading?.line ?? 1, column: titleHeading?.column ?? 1 } };
}

function saidOrder({ root }: Outline): PlanOrder | null {
  const comments = [...root.comments, ...root.children.flatMap((part) => part.comments)];
  for (const { text } of comments) {
    const said = /^\s*order\s*[:=]\s*(\w+)\s*$/.exec(text)?.[1];
    const order = PLAN_ORDERS.find((known) => known === said);
    if (order !== undefined) return order;
  }
  return null;
}

function allParts(parts: readonly KeyedPart[]): readonly KeyedPart[] {
  return parts.flatMap((part) => [part, ...allParts(part.children)]);
}

function parentsOf(parts: readonly KeyedPart[]): ReadonlyMap<KeyedPart, KeyedPart> {
  return new Map(allParts(parts).flatMap((parent) => parent.children.map((child) => [child, parent] as const)));
}

function draftOf(
  keyed: KeyedPart,
  defaults: TaskDefaults,
  context: { readonly file: string; readonly problems: Problems },
): TaskDraft {
  const { part, key, title, marks, children } = keyed;
  const isDone = part.kind === "box" ? isTicked(part) : isAllTicked(children);
  const work =
    part.kind === "box" ? workOfBox(part, children.length > 0, context) : { executor: GROUP_EXECUTOR, input: null };
  return {
    ...blankTask(key, title, defaults),
    ...work,
    description: descriptionOf(keyed),
    priority: marks.priority ?? defaults.priority,
    status: isDone ? "completed" : "pending",
    completedAt: isDone ? marks.doneAt : null,
  };
}

/** A heading is done when the boxes and headings under it are; a ticked box speaks for the boxes in it. */
function isAllTicked(parts: readonly KeyedPart[]): boolean {
  return parts.every(({ part, children }) => (part.kind === "heading" ? isAllTicked(children) : isTicked(part)));
}

const SHELL: ReadonlySet<string> = new Set(["sh", "bash", "shell"]);
const SCRIPT: Readonly<Record<string, "js" | "ts">> = {
  js: "js",
  javascript: "js",
  mjs: "js",
  ts: "ts",
  typescript: "ts",
  mts: "ts",
};

/** Its shell blocks are its command, one after the other; its script block is its code. */
function workOfBox(
  box: OutlineBox,
  hasChildren: boolean,
  { file, problems }: { readonly file: string; readonly problems: Problems },
): Pick<TaskDraft, "executor" | "input"> {
  const shell = box.fences.filter(({ language }) => SHELL.has(language));
  const scripts = box.fences.filter(({ language }) => Object.hasOwn(SCRIPT, language));
  const script = scripts[0];
  const extra = shell.length > 0 ? script : scripts[1];
  if (extra !== undefined) {
    problems.add(
      { file, line: extra.line, column: 1 },
      "a task does one thing, and this is a second block of code for it",
      {
        hint: "Give each block a box of its own.",
      },
    );
  }
  if (shell.length > 0) return { executor: COMMAND_EXECUTOR, input: { run: shell.map(({ body }) => body).join("\n") } };
  if (script !== undefined)
    return { executor: CODE_EXECUTOR, input: { code: script.body, language: SCRIPT[script.language] ?? "ts" } };
  return { executor: hasChildren ? GROUP_EXECUTOR : null, input: null };
}

/** The prose that belongs to it, and the blocks under it that are not run. */
function descriptionOf({ part }: KeyedPart): string | null {
  const indent = Math.min(...part.prose.filter(({ text }) => text.trim() !== "").map(({ text }) => indentOf(text)));
  const prose = part.prose.map(({ text, line }) => ({
    line,
    text: withoutIndent(text, Number.isFinite(indent) ? indent : 0),
  }));
  const shown =
    part.kind === "box"
      ? part.fences.filter(({ language }) => !SHELL.has(language) && !Object.hasOwn(SCRIPT, language))
      : [];
  const blocks = shown.map(({ language, body, line }) => ({ line, text: `\`\`\`${language}\n${body}\n\`\`\`` }));
  const text = [...prose, ...blocks]
    .toSorted((a, b) => a.line - b.line)
    .map((piece) => piece.text)
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
  return text === "" ? null : text;
}
