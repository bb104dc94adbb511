/** Perdure's own format, the same in YAML and JSON. Order is only what `needs` and `parent` say. */

import { LIMITS } from "../domain/limits.ts";
import type { PlanDraft } from "../domain/plan-draft.ts";
import { GROUP_EXECUTOR } from "../domain/task.ts";
import type { Fields } from "./fields.ts";
import { fieldsOf } from "./fields.ts";
import type { LocatedTask } from "./finish-plan.ts";
import { finishPlan } from "./finish-plan.ts";
import type { PerdureTask } from "./perdure-task.ts";
import { perdureTasksOf, SETTING_KEYS, settingsOf } from "./perdure-task.ts";
import type { PlanNode } from "./plan-tree.ts";
import { nameFromPath } from "./plan-name.ts";
import type { Problems } from "./problems.ts";
import { keyRegistry } from "./slug.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import type { CommandDefaults } from "./task-work.ts";
import { envOf } from "./task-work.ts";

const PLAN_KEYS = ["name", "goal", "concurrency", "defaults", "tasks"] as const;
const DEFAULTS_KEYS: readonly string[] = [...SETTING_KEYS, "env", "cwd"];

export interface PerdurePlanOptions {
  readonly problems: Problems;
  readonly defaults: TaskDefaults;
}

/** @throws PerdureError `invalid-plan` or `limit-reached`, with the place of everything that is wrong */
export function perdurePlan(root: PlanNode, { problems, defaults }: PerdurePlanOptions): PlanDraft {
  const plan = fieldsOf(root, problems, { what: "a plan", known: PLAN_KEYS });
  problems.throwIfAny();
  const tasks = tasksOf(plan, { problems, defaults: planDefaults(plan, defaults, problems) });
  const draft = {
    name: plan.text("name")?.text ?? nameFromPath(root.place.file),
    namePlace: plan.placeOf("name"),
    goal: plan.text("goal")?.text ?? null,
    concurrency: plan.number("concurrency", { min: 1, max: LIMITS.concurrency, whole: true }),
    tasks: groupsOf(tasks),
    notices: [],
  };
  return finishPlan(draft, problems, { missing: "problem", inheritNeeds: true });
}

function planDefaults(plan: Fields, given: TaskDefaults, problems: Problems): TaskDefaults & CommandDefaults {
  const node = plan.map("defaults");
  if (node === null) return { ...given, env: null, cwd: null };
  const fields = fieldsOf(node, problems, { what: "defaults", known: DEFAULTS_KEYS });
  return {
    ...settingsOf(fields, given, problems),
    env: envOf(fields, problems),
    cwd: fields.text("cwd")?.text ?? null,
  };
}

interface TasksOptions {
  readonly problems: Problems;
  readonly defaults: TaskDefaults & CommandDefaults;
}

function tasksOf(plan: Fields, { problems, defaults }: TasksOptions): readonly PerdureTask[] {
  const list = plan.list("tasks");
  if (list === null || list.items.length === 0) {
    problems.add(plan.placeOf("tasks"), "the plan has no tasks", { hint: "List at least one task under `tasks:`." });
    return [];
  }
  const keys = keyRegistry();
  reserveIds(list, (id) => !keys.has(id) && keys.take(id));
  return list.items.flatMap((item) => perdureTasksOf(item, { problems, defaults, keys, parent: null }));
}

/** Ids that are said come before ids made from titles, wherever they stand. */
function reserveIds(node: PlanNode, reserve: (id: string) => void): void {
  if (node.kind === "list") for (const item of node.items) reserveIds(item, reserve);
  if (node.kind !== "map") return;
  const id = node.entries.get("id")?.value;
  if (id?.kind === "scalar" && id.value !== null) reserve(id.written);
  const nested = node.entries.get("tasks")?.value;
  if (nested !== undefined) reserveIds(nested, reserve);
}

/** A task that others name as their parent and that does nothing itself only gathers them. */
function groupsOf(tasks: readonly PerdureTask[]): readonly LocatedTask[] {
  const parents = new Set(tasks.map((task) => task.parent?.key));
  return tasks.map((task) =>
    task.draft.executor === null && !task.refusesGroup && parents.has(task.draft.key)
      ? { ...task, draft: { ...task.draft, executor: GROUP_EXECUTOR } }
      : task,
  );
}
