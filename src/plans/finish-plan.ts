/**
 * The last step of every format: located tasks become a `PlanDraft`. Here keys are compared, references looked up,
 * cycles and limits refused, and parents put before their children.
 */

import { nearest } from "../base/nearest.ts";
import { findCycle } from "../domain/dependency-graph.ts";
import { LIMITS } from "../domain/limits.ts";
import type { PlanDraft, PlanNotice, TaskDraft } from "../domain/plan-draft.ts";
import { isRecurring } from "../domain/schedule.ts";
import type { Place, Problems } from "./problems.ts";

/** A key that something refers to, where it does. */
export interface Reference {
  readonly key: string;
  readonly place: Place;
  /** Follows from where the task stands; the file does not say it. */
  readonly isImplied?: boolean;
}

/** `draft.needs`, `draft.needsByPlace`, `draft.parentKey` and `draft.source` are set from the references here. */
export interface LocatedTask {
  readonly draft: TaskDraft;
  readonly place: Place;
  readonly needs: readonly Reference[];
  readonly parent: Reference | null;
}

export interface UnfinishedPlan {
  readonly name: string;
  readonly namePlace: Place;
  readonly goal: string | null;
  readonly concurrency: number | null;
  readonly tasks: readonly LocatedTask[];
  readonly notices: readonly PlanNotice[];
}

interface FinishOptions {
  /** A reference to a task that is not in the plan is a problem, or, in part of another project's files, is left out with a notice. */
  readonly missing: "problem" | "notice";
  /** What a parent needs, everything below it needs too. */
  readonly inheritNeeds: boolean;
}

/** @throws PerdureError when anything was or is found wrong */
export function finishPlan(plan: UnfinishedPlan, problems: Problems, options: FinishOptions): PlanDraft {
  const notices = [...plan.notices];
  refuseDuplicateKeys(plan.tasks, problems);
  const resolved = resolveReferences(plan.tasks, { missing: options.missing, problems, notices });
  problems.throwIfAny();

  refuseCycle(resolved, problems);
  problems.throwIfAny();
  const ordered = parentsFirst(resolved);
  refuseDeepNesting(ordered, problems);
  problems.throwIfAny();
  const tasks = options.inheritNeeds ? withInheritedNeeds(ordered) : ordered;

  checkName(plan, problems);
  for (const task of tasks) checkTask(task, problems);
  refuseNeedsThatRecur(tasks, problems);
  problems.throwIfAny();
  return {
    name: plan.name,
    goal: plan.goal,
    concurrency: plan.concurrency,
    tasks: tasks.map(toDraft),
    notices,
  };
}

function toDraft({ draft, needs, parent, place }: LocatedTask): TaskDraft {
  const said = new Set(needs.filter((need) => need.isImplied !== true).map((need) => need.key));
  const keys = [...new Set(needs.map((need) => need.key))];
  return {
    ...draft,
    needs: keys,
    needsByPlace: keys.filter((key) => !said.has(key)),
    parentKey: parent?.key ?? null,
    source: { file: place.file, line: place.line },
  };
}

function refuseDuplicateKeys(tasks: readonly LocatedTask[], problems: Problems): void {
  const first = new Map<string, Place>();
  for (const { draft, place } of tasks) {
    const before = first.get(draft.key);
    if (before === undefined) first.set(draft.key, place);
    else {
      problems.add(
        place,
        `a second task has the id "${draft.key}"; the first is on line ${before.line} of ${before.file}`,
        {
          hint: "Give every task an id of its own.",
        },
      );
    }
  }
}

interface ResolveContext {
  readonly missing: FinishOptions["missing"];
  readonly problems: Problems;
  readonly notices: PlanNotice[];
}

/** Finds every reference, exactly or else but for capitals, and leaves out those that lead nowhere. */
function resolveReferences(
  tasks: readonly LocatedTask[],
  { missing, problems, notices }: ResolveContext,
): readonly LocatedTask[] {
  const keys = new Set(tasks.map((task) => task.draft.key));
  const byLowerCase = new Map([...keys].map((key) => [key.toLowerCase(), key]));
  const find = (reference: Reference, from: TaskDraft, verb: string): Reference | null => {
    const key = keys.has(reference.key) ? reference.key : byLowerCase.get(reference.key.toLowerCase());
    if (key !== undefined) return { ...reference, key };
    const { file, line } = reference.place;
    if (missing === "notice") {
      const message = `"${from.key}" ${verb} "${reference.key}", which is not among these files: left out`;
      notices.push({ message, source: { file, line } });
    } else if (problems.count < 100) {
      const meant = nearest(reference.key.slice(0, LIMITS.keyChars), [...keys]);
      const suggestion = meant === null ? "" : `; did you mean "${meant}"?`;
      problems.add(
        reference.place,
        `"${from.key}" ${verb} "${reference.key}", which is no task of this plan${suggestion}`,
      );
    }
    return null;
  };
  return tasks.map((task) => ({
    ...task,
    needs: task.needs.map((need) => find(need, task.draft, "needs")).filter((need) => need !== null),
    parent: task.parent === null ? null : find(task.parent, task.draft, "has the parent"),
  }));
}

/** A task waits for what it needs and for all below it; nothing may wait for itself that way. */
function refuseCycle(tasks: readonly LocatedTask[], problems: Problems): void {
  const byKey = new Map(tasks.map((task) => [task.draft.key, task]));
  const waitsFor = new Map<string, string[]>(tasks.map((task) => [task.draft.key, task.needs.map((need) => need.key)]));
  for (const { draft, parent } of tasks) if (parent !== null) waitsFor.get(parent.key)?.push(draft.key);
  const cycle = findCycle([...byKey.keys()], (key) => waitsFor.get(key) ?? []);
  if (cycle === null) return;

  const from = cycle[0] === undefined ? undefined : byKey.get(cycle[0]);
  if (from === undefined) return;
  const place = from.needs.find((need) => need.key === cycle[1])?.place ?? from.place;
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), "…", ...cycle.slice(-5)] : cycle;
  problems.add(place, `tasks wait for each other in a circle: ${shown.join(" → ")}`, {
    hint: "A task waits for what it needs and for every task below it; take one of these dependencies out.",
  });
}

/** Needs of the tasks above are needs of all below, but for those that lie below as well. There is no cycle by now. */
function withInheritedNeeds(tasks: readonly LocatedTask[]): readonly LocatedTask[] {
  const byKey = new Map(tasks.map((task) => [task.draft.key, task]));
  const ancestorsOf = (task: LocatedTask): readonly LocatedTask[] => {
    const ancestors: LocatedTask[] = [];
    for (let above = parentOf(task); above !== undefined; above = parentOf(above)) ancestors.push(above);
    return ancestors;
  };
  const parentOf = (task: LocatedTask): LocatedTask | undefined =>
    task.parent === null ? undefined : byKey.get(task.parent.key);
  const isBelow = (key: string, ancestor: LocatedTask): boolean => {
    const task = byKey.get(key);
    return task !== undefined && ancestorsOf(task).includes(ancestor);
  };
  return tasks.map((task) => {
    const inherited = ancestorsOf(task).flatMap((above) => above.needs.filter((need) => !isBelow(need.key, above)));
    return inherited.length === 0 ? task : { ...task, needs: [...task.needs, ...inherited] };
  });
}

/** File order, but a parent that stands after a child of its moves before it. */
function parentsFirst(tasks: readonly LocatedTask[]): readonly LocatedTask[] {
  const byKey = new Map(tasks.map((task) => [task.draft.key, task]));
  const ordered = new Set<LocatedTask>();
  for (const task of tasks) {
    const chain = [task];
    for (let above = task.parent; above !== null;) {
      const parent = byKey.get(above.key);
      if (parent === undefined || ordered.has(parent)) break;
      chain.push(parent);
      above = parent.parent;
    }
    for (const member of chain.toReversed()) ordered.add(member);
  }
  return [...ordered];
}

const MAX_LEVELS = 100;

function refuseDeepNesting(tasks: readonly LocatedTask[], problems: Problems): void {
  const levels = new Map<string, number>();
  for (const { draft, place, parent } of tasks) {
    const level = (parent === null ? 0 : (levels.get(parent.key) ?? 0)) + 1;
    levels.set(draft.key, level);
    if (level === MAX_LEVELS + 1) addOverLimit(problems, place, `"${draft.key}" lies ${level} levels deep`, MAX_LEVELS);
  }
}

function checkName({ name, namePlace }: UnfinishedPlan, problems: Problems): void {
  if (name.length > LIMITS.nameChars)
    addOverLimit(problems, namePlace, `the plan's name has ${name.length} characters`, LIMITS.nameChars);
}

function checkTask({ draft, place, needs }: LocatedTask, problems: Problems): void {
  const { key, title, description } = draft;
  if (key.length > LIMITS.keyChars)
    addOverLimit(problems, place, `a task's id has ${key.length} characters`, LIMITS.keyChars);
  if (title.length > LIMITS.titleChars)
    addOverLimit(problems, place, `a title has ${title.length} characters`, LIMITS.titleChars);
  if (title.trim() === "") problems.add(place, "a task has no title");
  const descriptionBytes = description === null ? 0 : Buffer.byteLength(description);
  if (descriptionBytes > LIMITS.descriptionBytes) {
    addOverLimit(problems, place, `the description of "${key}" has ${descriptionBytes} bytes`, LIMITS.descriptionBytes);
  }
  const needCount = new Set(needs.map((need) => need.key)).size;
  if (needCount > LIMITS.dependenciesPerTask) {
    addOverLimit(problems, place, `"${key}" needs ${needCount} tasks`, LIMITS.dependenciesPerTask);
  }
}

function addOverLimit(problems: Problems, place: Place, what: string, limit: number): void {
  problems.add(place, `${what}, and the limit is ${limit}`, { code: "limit-reached" });
}

function refuseNeedsThatRecur(tasks: readonly LocatedTask[], problems: Problems): void {
  const recurring = new Set(
    tasks.filter(({ draft }) => draft.schedule !== null && isRecurring(draft.schedule)).map(({ draft }) => draft.key),
  );
  for (const { draft, needs } of tasks) {
    const need = needs.find(({ key }) => recurring.has(key));
    if (need !== undefined)
      problems.add(need.place, `"${draft.key}" needs "${need.key}", which recurs and so is never completed`);
  }
}
