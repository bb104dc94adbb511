/** beads' `issues.jsonl`, one issue a line, to a plan. `blocks` and `parent-child` order the work; other links are kept in the context. */

import type { Json, JsonObject } from "../base/json.ts";
import type { PlanDraft, PlanNotice } from "../domain/plan-draft.ts";
import { GROUP_EXECUTOR } from "../domain/task.ts";
import type { Fields } from "./fields.ts";
import { fieldsOf } from "./fields.ts";
import type { LocatedTask, Reference } from "./finish-plan.ts";
import { finishPlan } from "./finish-plan.ts";
import { parseJsonTree } from "./json-tree.ts";
import { nameFromPath } from "./plan-name.ts";
import type { PlanText } from "./plan-source.ts";
import { placesIn } from "./plan-source.ts";
import type { PlanNode } from "./plan-tree.ts";
import { nodeToJson } from "./plan-tree.ts";
import { RECORD_KEY } from "./progress-record.ts";
import type { Problems } from "./problems.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import { blankTask } from "./task-defaults.ts";

interface Context {
  readonly problems: Problems;
  readonly defaults: TaskDefaults;
}

/** 0 is the most urgent. */
const PRIORITIES = [10, 8, 5, 3, 1] as const;
const QUIET_STATUSES: ReadonlySet<string> = new Set(["open", "closed", "tombstone", ""]);
const OWN_KEYS: ReadonlySet<string> = new Set([
  "id",
  "title",
  "description",
  "status",
  "priority",
  "dependencies",
  "closed_at",
]);
const RECORD_KEYS: ReadonlySet<string> = new Set([
  "updated_at",
  "close_reason",
  "notes",
  "content_hash",
  "comments",
  "compaction_level",
  "assignee",
]);

export function beadsPlan(source: PlanText, context: Context): PlanDraft {
  const { problems } = context;
  const notices: PlanNotice[] = [];
  const issues: LocatedTask[] = [];
  for (const node of lineTrees(source, problems)) {
    const issue = taskOf(node, { ...context, notices });
    if (issue !== null) issues.push(issue);
  }
  const place = { file: source.path, line: 1, column: 1 };
  if (issues.length === 0) problems.add(place, "the file has no issues");
  const plan = {
    name: nameFromPath(source.path),
    namePlace: place,
    goal: null,
    concurrency: null,
    tasks: epicsAsGroups(issues),
    notices,
  };
  return finishPlan(plan, problems, { missing: "notice", inheritNeeds: true });
}

function lineTrees(source: PlanText, problems: Problems): readonly PlanNode[] {
  const placeOf = placesIn(source);
  const nodes: PlanNode[] = [];
  for (const { index, 0: line } of source.text.matchAll(/[^\r\n]+/g)) {
    if (line.trim() === "") continue;
    nodes.push(parseJsonTree({ path: source.path, text: line }, problems, { firstLine: placeOf(index).line }));
  }
  return nodes;
}

function taskOf(
  node: PlanNode,
  { problems, defaults, notices }: Context & { readonly notices: PlanNotice[] },
): LocatedTask | null {
  const fields = fieldsOf(node, problems, { what: "an issue", known: null });
  const id = fields.text("id");
  if (id === null) {
    if (node.kind === "map") problems.add(fields.place, "the issue has no id");
    return null;
  }
  const text = (name: string): string => fields.text(name)?.text.trim() ?? "";
  const notice = (message: string): void =>
    void notices.push({ message, source: { file: id.place.file, line: id.place.line } });
  const status = text("status");
  if (status === "tombstone") {
    notice(`"${id.text}" was deleted: left out`);
    return null;
  }
  if (!QUIET_STATUSES.has(status))
    notice(`"${id.text}" has the status "${status.slice(0, 80)}", which is read as not done`);

  const closedAt = Date.parse(text("closed_at"));
  const { needs, parent, others } = linksOf(fields, id.text, problems);
  const priority = fields.number("priority", { min: 0, max: 4, whole: true });
  return {
    draft: {
      ...blankTask(id.text, text("title") === "" ? id.text : text("title"), defaults),
      description: text("description") === "" ? null : text("description"),
      priority: priority === null ? defaults.priority : (PRIORITIES[priority] ?? defaults.priority),
      context: contextOf(node, others, problems),
      status: status === "closed" ? "completed" : "pending",
      completedAt: status === "closed" && Number.isFinite(closedAt) ? closedAt : null,
    },
    place: fields.placeOf("id"),
    needs,
    parent,
  };
}

interface Links {
  readonly needs: readonly Reference[];
  readonly parent: Reference | null;
  /** Related, discovered from and so on: no order follows from them. */
  readonly others: readonly Json[];
}

function linksOf(fields: Fields, id: string, problems: Problems): Links {
  const needs: Reference[] = [];
  const others: Json[] = [];
  let parent: Reference | null = null;
  for (const node of fields.list("dependencies")?.items ?? []) {
    const link = fieldsOf(node, problems, { what: "a dependency", known: null });
    const target = link.text("depends_on_id");
    if (target === null || (link.text("issue_id")?.text ?? id) !== id) continue;
    const type = link.text("type")?.text ?? "blocks";
    const reference = { key: target.text, place: target.place };
    if (type === "parent-child" && parent === null) parent = reference;
    else if (type === "blocks" || type === "parent-child") needs.push(reference);
    else others.push({ type, id: target.text });
  }
  return { needs, parent, others };
}

function contextOf(node: PlanNode, links: readonly Json[], problems: Problems): JsonObject {
  if (node.kind !== "map") return {};
  const context: [string, Json][] = [];
  const record: [string, Json][] = [];
  for (const [key, { value }] of node.entries) {
    const json = nodeToJson(value, problems);
    if (OWN_KEYS.has(key) || json === null || json === "") continue;
    (RECORD_KEYS.has(key) ? record : context).push([key, json]);
  }
  if (links.length > 0) context.push(["links", links]);
  if (record.length > 0) context.push([RECORD_KEY, Object.fromEntries(record)]);
  return Object.fromEntries(context);
}

/** An epic with issues in it has nothing to do itself. */
function epicsAsGroups(tasks: readonly LocatedTask[]): readonly LocatedTask[] {
  const parents = new Set(tasks.map((task) => task.parent?.key));
  return tasks.map((task) =>
    task.draft.context.issue_type === "epic" && parents.has(task.draft.key)
      ? { ...task, draft: { ...task.draft, executor: GROUP_EXECUTOR } }
      : task,
  );
}
