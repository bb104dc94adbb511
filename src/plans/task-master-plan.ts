/**
 * task-master's `tasks.json` to a plan: `{"<tag>": {"tasks": […]}}`, or older files with `{"tasks": […]}`. Subtasks are
 * `2.1`; with several tags the keys of all but `master` begin with the tag, `feature/2.1`.
 */

import type { Json, JsonObject } from "../base/json.ts";
import type { PlanDraft, PlanNotice } from "../domain/plan-draft.ts";
import { GROUP_EXECUTOR } from "../domain/task.ts";
import type { Fields, TextAt } from "./fields.ts";
import { fieldsOf } from "./fields.ts";
import type { LocatedTask, Reference } from "./finish-plan.ts";
import { finishPlan } from "./finish-plan.ts";
import { nameFromPath } from "./plan-name.ts";
import type { PlanNode } from "./plan-tree.ts";
import { nodeToJson } from "./plan-tree.ts";
import type { Problems } from "./problems.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import { blankTask } from "./task-defaults.ts";

interface Context {
  readonly problems: Problems;
  readonly defaults: TaskDefaults;
}

const PRIORITIES: Readonly<Record<string, number>> = { critical: 10, high: 8, medium: 5, low: 3 };
const STATUSES: Readonly<Record<string, "pending" | "completed" | "cancelled">> = {
  pending: "pending",
  done: "completed",
  completed: "completed",
  cancelled: "cancelled",
};
const OWN_KEYS: ReadonlySet<string> = new Set([
  "id",
  "title",
  "description",
  "status",
  "dependencies",
  "priority",
  "details",
  "subtasks",
  "parentId",
  "updatedAt",
]);
const MAIN_TAG = "master";

interface TagContext extends Context {
  readonly prefix: string;
  readonly notices: PlanNotice[];
}

export function taskMasterPlan(root: PlanNode, context: Context): PlanDraft {
  const { problems } = context;
  const notices: PlanNotice[] = [];
  const tags = tagsOf(root, problems);
  const hasSeveral = tags.length > 1;
  const tasks = tags.flatMap(({ tag, list }) =>
    tasksOf(list, { ...context, notices, prefix: hasSeveral && tag !== MAIN_TAG ? `${tag}/` : "" }),
  );
  if (tasks.length === 0) problems.add(root.place, "the file has no tasks");
  const plan = {
    name: nameFromPath(root.place.file),
    namePlace: root.place,
    goal: null,
    concurrency: null,
    tasks,
    notices,
  };
  return finishPlan(plan, problems, { missing: "notice", inheritNeeds: true });
}

function tagsOf(
  root: PlanNode,
  problems: Problems,
): readonly { readonly tag: string; readonly list: readonly PlanNode[] }[] {
  const fields = fieldsOf(root, problems, { what: "the file", known: null });
  if (root.kind !== "map") return [];
  const untagged = root.entries.get("tasks")?.value;
  if (untagged?.kind === "list") return [{ tag: MAIN_TAG, list: untagged.items }];
  return [...root.entries].flatMap(([tag, { value }]) => {
    if (value.kind !== "map" || !value.entries.has("tasks")) return [];
    const node = fields.map(tag);
    const list = node === null ? null : fieldsOf(node, problems, { what: `tag ${tag}`, known: null }).list("tasks");
    return [{ tag, list: list?.items ?? [] }];
  });
}

function tasksOf(list: readonly PlanNode[], context: TagContext): readonly LocatedTask[] {
  return list.flatMap((node) => {
    const fields = fieldsOf(node, context.problems, { what: "a task", known: null });
    const id = idOf(fields, context.problems);
    if (id === null) return [];
    const subtasks = fields.list("subtasks")?.items ?? [];
    const task = taskOf(node, fields, {
      ...context,
      key: context.prefix + id,
      executor: subtasks.length > 0 ? GROUP_EXECUTOR : null,
      parent: null,
      refer: ({ text, place }) => ({ key: context.prefix + text, place }),
    });
    return [task, ...subtasksOf(id, subtasks, context)];
  });
}

/** A subtask's bare number means the one beside it, if there is one, else a task. */
function subtasksOf(taskId: string, list: readonly PlanNode[], context: TagContext): readonly LocatedTask[] {
  const all = list.map((node) => ({
    node,
    fields: fieldsOf(node, context.problems, { what: "a subtask", known: null }),
  }));
  const siblings = new Set(all.map(({ fields }) => fields.text("id")?.text));
  return all.flatMap(({ node, fields }) => {
    const id = idOf(fields, context.problems);
    if (id === null) return [];
    const local = localId(id, taskId);
    const task = taskOf(node, fields, {
      ...context,
      key: `${context.prefix}${taskId}.${local}`,
      executor: null,
      parent: { key: context.prefix + taskId, place: fields.placeOf("id") },
      refer: ({ text, place }) => ({
        key: context.prefix + (siblings.has(text) && !text.includes(".") ? `${taskId}.${text}` : text),
        place,
      }),
    });
    return [task];
  });
}

/** Some files write a subtask's id in full. */
function localId(id: string, taskId: string): string {
  return id.startsWith(`${taskId}.`) ? id.slice(taskId.length + 1) : id;
}

function idOf(fields: Fields, problems: Problems): string | null {
  const id = fields.text("id")?.text ?? null;
  if (id === null && !fields.has("id")) problems.add(fields.place, "a task has no id");
  return id;
}

interface TaskContext extends TagContext {
  readonly key: string;
  readonly executor: string | null;
  readonly parent: Reference | null;
  readonly refer: (written: TextAt) => Reference;
}

function taskOf(
  node: PlanNode,
  fields: Fields,
  { key, executor, parent, refer, problems, defaults, notices }: TaskContext,
): LocatedTask {
  const place = fields.placeOf("id");
  const text = (name: string): string => fields.text(name)?.text.trim() ?? "";
  const description = [text("description"), text("details")].filter((part) => part !== "").join("\n\n");
  const status = text("status");
  if (status !== "" && !Object.hasOwn(STATUSES, status)) {
    notices.push({
      message: `"${key}" has the status "${status.slice(0, 80)}", which is read as not done`,
      source: { file: place.file, line: place.line },
    });
  }
  return {
    draft: {
      ...blankTask(key, text("title") === "" ? key : text("title"), defaults),
      description: description === "" ? null : description,
      executor,
      priority: PRIORITIES[text("priority").toLowerCase()] ?? defaults.priority,
      context: contextOf(node, problems),
      status: STATUSES[status] ?? "pending",
    },
    place,
    needs: (fields.texts("dependencies") ?? []).map(refer),
    parent,
  };
}

/** `testStrategy`, `metadata` and whatever else the task says. */
function contextOf(node: PlanNode, problems: Problems): JsonObject {
  if (node.kind !== "map") return {};
  const rest: [string, Json][] = [];
  for (const [key, { value }] of node.entries) {
    const json = nodeToJson(value, problems);
    if (!OWN_KEYS.has(key) && json !== null && json !== "") rest.push([key, json]);
  }
  return Object.fromEntries(rest);
}
