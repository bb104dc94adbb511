/** Backlog.md task files to a plan: one file or a folder of them, which may be a part of a project. */

import type { Json, JsonObject } from "../base/json.ts";
import type { PlanDraft, PlanNotice } from "../domain/plan-draft.ts";
import type { BacklogFile } from "./backlog-file.ts";
import { readBacklogFile } from "./backlog-file.ts";
import type { Fields, TextAt } from "./fields.ts";
import { fieldsOf } from "./fields.ts";
import type { LocatedTask, Reference } from "./finish-plan.ts";
import { finishPlan } from "./finish-plan.ts";
import { nameFromPath } from "./plan-name.ts";
import type { PlanText } from "./plan-source.ts";
import { nodeToJson } from "./plan-tree.ts";
import { RECORD_KEY } from "./progress-record.ts";
import type { Problems } from "./problems.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import { blankTask } from "./task-defaults.ts";

interface Context {
  readonly problems: Problems;
  readonly defaults: TaskDefaults;
}

const PRIORITIES: Readonly<Record<string, number>> = { high: 8, medium: 5, low: 3 };
const DONE_WORDS: ReadonlySet<string> = new Set(["done", "completed", "complete", "closed"]);
const CANCELLED_WORDS: ReadonlySet<string> = new Set(["cancelled", "canceled", "won't do", "wontfix"]);
const OPEN_WORDS: ReadonlySet<string> = new Set(["to do", "todo", "open", "draft", ""]);

/** Read into the draft itself; all other front matter goes into the context. */
const OWN_KEYS: ReadonlySet<string> = new Set(["id", "title", "status", "dependencies", "parent_task_id", "priority"]);
/** Front matter that changes as the work goes on. */
const RECORD_KEYS: ReadonlySet<string> = new Set(["updated_date", "ordinal", "modified_files"]);
const RECORD_SECTIONS: ReadonlySet<string> = new Set(["Implementation Notes", "Final Summary", "Comments"]);
const CRITERIA_SECTIONS: Readonly<Record<string, string>> = {
  "Acceptance Criteria": "acceptanceCriteria",
  "Definition of Done": "definitionOfDone",
};

/** References to tasks that are not among the files are left out with a notice. */
export async function backlogPlan(
  sources: { readonly path: string; readonly files: readonly PlanText[] },
  context: Context,
): Promise<PlanDraft> {
  const { problems } = context;
  const files: BacklogFile[] = [];
  const notices: PlanNotice[] = [];
  for (const source of sources.files) {
    const file = await readBacklogFile(source, problems);
    if (file === null)
      notices.push({ message: "not a Backlog.md task: left out", source: { file: source.path, line: 1 } });
    else files.push(file);
  }
  const keysByNumber = new Map<string, string>();
  for (const { frontMatter } of files) {
    const id = frontMatter.entries.get("id")?.value;
    if (id?.kind === "scalar" && !keysByNumber.has(numberOf(id.written)))
      keysByNumber.set(numberOf(id.written), id.written);
  }
  const tasks = files
    .map((file) => taskOf(file, { ...context, keysByNumber, notices }))
    .filter((task) => task !== null);
  const place = { file: sources.path, line: 1, column: 1 };
  if (tasks.length === 0) problems.add(place, "there are no Backlog.md tasks here");
  const plan = { name: nameFromPath(sources.path), namePlace: place, goal: null, concurrency: null, tasks, notices };
  return finishPlan(plan, problems, { missing: "notice", inheritNeeds: true });
}

interface FileContext extends Context {
  /** The ids of the files, by their number: `task-355.01` and `BACK-355.01` are the same task. */
  readonly keysByNumber: ReadonlyMap<string, string>;
  readonly notices: PlanNotice[];
}

function taskOf(file: BacklogFile, { problems, defaults, keysByNumber, notices }: FileContext): LocatedTask | null {
  const fields = fieldsOf(file.frontMatter, problems, { what: "the front matter", known: null });
  const id = fields.text("id");
  if (id === null) {
    problems.add(fields.place, "the front matter has no id");
    return null;
  }
  const refer = ({ text, place }: TextAt): Reference => ({ key: keysByNumber.get(numberOf(text)) ?? text, place });
  const parent = fields.text("parent_task_id");
  const status = statusOf(fields, id.text, notices);
  return {
    draft: {
      ...blankTask(id.text, fields.text("title")?.text ?? id.text, defaults),
      description: descriptionOf(file),
      priority: priorityOf(fields, problems) ?? defaults.priority,
      context: contextOf(file, problems),
      status,
    },
    place: id.place,
    needs: (fields.texts("dependencies") ?? []).map(refer),
    parent: parent === null ? null : refer(parent),
  };
}

/** The part of an id that tells tasks apart, without leading zeros: `355.1` of `task-355.01`. */
function numberOf(id: string): string {
  const number = /(\d+(?:\.\d+)*)$/.exec(id.trim())?.[1];
  return number === undefined ? id.trim().toLowerCase() : number.replaceAll(/(?<=^|\.)0+(?=\d)/g, "");
}

function statusOf(fields: Fields, id: string, notices: PlanNotice[]): "pending" | "completed" | "cancelled" {
  const status = fields.text("status");
  const word = status?.text.trim().toLowerCase() ?? "";
  if (DONE_WORDS.has(word)) return "completed";
  if (CANCELLED_WORDS.has(word)) return "cancelled";
  if (status !== null && !OPEN_WORDS.has(word)) {
    const { file, line } = status.place;
    notices.push({
      message: `"${id}" has the status "${status.text.slice(0, 80)}", which is read as not done`,
      source: { file, line },
    });
  }
  return "pending";
}

function priorityOf(fields: Fields, problems: Problems): number | null {
  const priority = fields.text("priority");
  if (priority === null) return null;
  const number = PRIORITIES[priority.text.trim().toLowerCase()] ?? null;
  if (number === null)
    problems.add(
      priority.place,
      `priority must be one of high, medium, low, and this is ${JSON.stringify(priority.text.slice(0, 80))}`,
    );
  return number;
}

/** The description, and after it the acceptance criteria. */
function descriptionOf({ sections }: BacklogFile): string | null {
  const description = [sections.get("")?.text, sections.get("Description")?.text];
  const criteria = sections.get("Acceptance Criteria")?.boxes.map(({ text }) => `- ${text}`) ?? [];
  if (criteria.length > 0) description.push(`Acceptance criteria:\n${criteria.join("\n")}`);
  const text = description.filter((part) => part !== undefined && part !== "").join("\n\n");
  return text === "" ? null : text;
}

function contextOf({ frontMatter, sections }: BacklogFile, problems: Problems): JsonObject {
  const context: Record<string, Json> = {};
  const record: Record<string, Json> = {};
  for (const [heading, key] of Object.entries(CRITERIA_SECTIONS)) {
    const boxes = sections.get(heading)?.boxes ?? [];
    if (boxes.length > 0) context[key] = boxes.map(({ text, done }) => ({ text, done }));
  }
  for (const [key, { value }] of frontMatter.entries) {
    const json = nodeToJson(value, problems);
    const isEmpty = json === null || (Array.isArray(json) && json.length === 0);
    if (OWN_KEYS.has(key) || isEmpty) continue;
    defineEntry(RECORD_KEYS.has(key) ? record : context, key, json);
  }
  for (const [heading, { text, boxes }] of sections) {
    if (
      heading === "" ||
      heading === "Description" ||
      text === "" ||
      (Object.hasOwn(CRITERIA_SECTIONS, heading) && boxes.length > 0)
    )
      continue;
    defineEntry(RECORD_SECTIONS.has(heading) ? record : context, heading, text);
  }
  if (Object.keys(record).length > 0) context[RECORD_KEY] = record;
  return context;
}

/** Unlike an assignment, safe for a key such as `__proto__`. */
function defineEntry(target: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
