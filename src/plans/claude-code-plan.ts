/**
 * Claude Code's task folders to a plan: `~/.claude/tasks/<list>/<id>.json`, each
 * `{id, subject, description, activeForm, status, blocks, blockedBy, owner, metadata}`. A list of these, or `{tasks: […]}`,
 * in one file is read too.
 */

import type { Json, JsonObject } from "../base/json.ts";
import type { PlanDraft, PlanNotice } from "../domain/plan-draft.ts";
import { fieldsOf } from "./fields.ts";
import type { LocatedTask, Reference } from "./finish-plan.ts";
import { finishPlan } from "./finish-plan.ts";
import { parseJsonTree } from "./json-tree.ts";
import { nameFromPath } from "./plan-name.ts";
import type { PlanText } from "./plan-source.ts";
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

const OWN_KEYS: ReadonlySet<string> = new Set(["id", "subject", "description", "status", "blocks", "blockedBy"]);
const STATUSES: ReadonlySet<string> = new Set(["pending", "completed", ""]);

export function claudeCodePlan(
  sources: { readonly path: string; readonly files: readonly PlanText[] },
  context: Context,
): PlanDraft {
  const { problems } = context;
  const notices: PlanNotice[] = [];
  const tasks: LocatedTask[] = [];
  /** Who waits for whom, said by the one that is waited for. */
  const blocks = new Map<string, Reference[]>();
  for (const source of sources.files) {
    const nodes = taskNodes(parseJsonTree(source, problems));
    if (nodes.length === 0)
      notices.push({ message: "not a Claude Code task: left out", source: { file: source.path, line: 1 } });
    for (const node of nodes) {
      const task = taskOf(node, { ...context, notices, blocks });
      if (task !== null) tasks.push(task);
    }
  }
  const place = { file: sources.path, line: 1, column: 1 };
  if (tasks.length === 0) problems.add(place, "there are no Claude Code tasks here");
  const sorted = tasks.toSorted((a, b) => compareIds(a.draft.key, b.draft.key));
  const plan = {
    name: nameFromPath(sources.path),
    namePlace: place,
    goal: null,
    concurrency: null,
    tasks: sorted.map((task) => ({ ...task, needs: [...task.needs, ...(blocks.get(task.draft.key) ?? [])] })),
    notices,
  };
  return finishPlan(plan, problems, { missing: "notice", inheritNeeds: false });
}

/** A folder lists `10.json` before `2.json`; the order the tasks were made in is that of their numbers. */
function compareIds(a: string, b: string): number {
  const isNumeric = /^\d+$/.test(a) && /^\d+$/.test(b);
  return isNumeric ? Number(a) - Number(b) : 0;
}

function taskNodes(root: PlanNode): readonly PlanNode[] {
  if (root.kind === "list") return root.items;
  if (root.kind !== "map") return [];
  const tasks = root.entries.get("tasks")?.value;
  if (tasks?.kind === "list") return tasks.items;
  return root.entries.has("subject") ? [root] : [];
}

interface TaskContext extends Context {
  readonly notices: PlanNotice[];
  readonly blocks: Map<string, Reference[]>;
}

function taskOf(node: PlanNode, { problems, defaults, notices, blocks }: TaskContext): LocatedTask | null {
  const fields = fieldsOf(node, problems, { what: "a task", known: null });
  const id = fields.text("id");
  if (id === null) {
    if (node.kind === "map") problems.add(fields.place, "the task has no id");
    return null;
  }
  const place = fields.placeOf("id");
  const status = fields.text("status")?.text ?? "";
  const source = { file: place.file, line: place.line };
  if (status === "deleted") {
    notices.push({ message: `"${id.text}" was deleted: left out`, source });
    return null;
  }
  if (!STATUSES.has(status))
    notices.push({
      message: `"${id.text}" has the status "${status.slice(0, 80)}", which is read as not done`,
      source,
    });
  for (const { text, place: at } of fields.texts("blocks") ?? []) {
    const waiting = blocks.get(text) ?? [];
    waiting.push({ key: id.text, place: at });
    blocks.set(text, waiting);
  }
  const description = fields.text("description")?.text.trim() ?? "";
  return {
    draft: {
      ...blankTask(id.text, fields.text("subject")?.text ?? id.text, defaults),
      description: description === "" ? null : description,
      context: contextOf(node, problems),
      status: status === "completed" ? "completed" : "pending",
    },
    place,
    needs: (fields.texts("blockedBy") ?? []).map(({ text, place: at }) => ({ key: text, place: at })),
    parent: null,
  };
}

/** `owner` says who took it; `activeForm`, `metadata` and the rest are part of what it is. */
function contextOf(node: PlanNode, problems: Problems): JsonObject {
  if (node.kind !== "map") return {};
  const entries = [...node.entries].map(([key, { value }]): [string, Json] => [key, nodeToJson(value, problems)]);
  const said = entries.filter(([key, value]) => !OWN_KEYS.has(key) && value !== null && value !== "");
  const record = said.filter(([key]) => key === "owner");
  const rest = said.filter(([key]) => key !== "owner");
  return Object.fromEntries(record.length > 0 ? [...rest, [RECORD_KEY, Object.fromEntries(record)]] : rest);
}
