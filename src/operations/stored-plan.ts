/** A session as a plan: from what the store holds back to what a file would say. */

import type { TaskId } from "../domain/ids.ts";
import type { PlanDraft, PlanNotice, TaskDraft } from "../domain/plan-draft.ts";
import type { Session } from "../domain/session.ts";
import type { TaskDetail } from "../domain/task.ts";

export interface StoredPlan {
  readonly draft: PlanDraft;
  /** The task of each key in the draft. */
  readonly taskOf: ReadonlyMap<string, TaskDetail>;
}

/** Tasks without a key get one from their id. States a plan cannot say are named in its notices. */
export function storedPlan(session: Session, tasks: readonly TaskDetail[]): StoredPlan {
  const keyOf = new Map<TaskId, string>(tasks.map((task) => [task.id, task.key ?? task.id.slice(0, 8)]));
  const notices: PlanNotice[] = [];
  const drafts = tasks.map((task) => {
    const draft = toDraft(task, keyOf);
    const state = task.blockedReason === null ? task.status : `${task.status} (${task.blockedReason})`;
    const isSaid = draft.status !== "pending" || task.status === "pending" || task.blockedReason === "dependencies";
    if (!isSaid)
      notices.push({ message: `"${draft.key}" is ${state}; a plan says only that it is not done`, source: null });
    return draft;
  });
  const { name, goal, concurrency } = session;
  const taskOf = new Map(tasks.map((task) => [keyOf.get(task.id) ?? task.id, task]));
  return { draft: { name, goal, concurrency, tasks: parentsFirst(drafts), notices }, taskOf };
}

function toDraft(task: TaskDetail, keyOf: ReadonlyMap<TaskId, string>): TaskDraft {
  const { title, description, executor, input, priority, weight, maxRetries, retry, timeoutMs } = task;
  const { onDependencyFailure, schedule, overlap, catchUp, labels, limit, context, source } = task;
  return {
    key: keyOf.get(task.id) ?? task.id,
    parentKey: task.parentId === null ? null : (keyOf.get(task.parentId) ?? null),
    needs: task.dependencies.map((id) => keyOf.get(id)).filter((key) => key !== undefined),
    needsByPlace: [],
    title,
    description,
    executor,
    input,
    priority,
    weight,
    maxRetries,
    retry,
    timeoutMs,
    onDependencyFailure,
    schedule,
    overlap,
    catchUp,
    labels,
    limit,
    context,
    source,
    status: task.status === "completed" || task.status === "cancelled" ? task.status : "pending",
    completedAt: task.status === "completed" ? task.completedAt : null,
  };
}

/** Needs also what it comes after although something between them was done before its turn: no file says that otherwise. */
export function withOrderSaid({ draft, taskOf }: StoredPlan): PlanDraft {
  const openKeys = new Map(
    [...taskOf].flatMap(([key, { id, status }]) => (status === "completed" ? [] : [[id, key] as const])),
  );
  const tasks = draft.tasks.map((task) => {
    const order = taskOf.get(task.key)?.comesAfter.map((id) => openKeys.get(id)) ?? [];
    return { ...task, needs: [...task.needs, ...order.filter((key) => key !== undefined)] };
  });
  return { ...draft, tasks };
}

/** A task that was moved may stand before its parent in the store. */
function parentsFirst(drafts: readonly TaskDraft[]): readonly TaskDraft[] {
  const byKey = new Map(drafts.map((draft) => [draft.key, draft]));
  const ordered = new Map<string, TaskDraft>();
  const place = (draft: TaskDraft): void => {
    if (ordered.has(draft.key)) return;
    const parent = draft.parentKey === null ? undefined : byKey.get(draft.parentKey);
    if (parent !== undefined) place(parent);
    ordered.set(draft.key, draft);
  };
  for (const draft of drafts) place(draft);
  return [...ordered.values()];
}
