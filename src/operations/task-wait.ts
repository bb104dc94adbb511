/** Waits until nothing more happens to a task by itself: it has ended, or someone has to do something about it. */

import type { TaskJson } from "./json/task.ts";
import type { OperationContext } from "./operation.ts";
import { runOperation } from "./operation.ts";
import { taskShow } from "./task-show.ts";

export interface WaitForTask {
  readonly taskId: string;
  /** Milliseconds; then it is told as it is. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called whenever something may have changed. */
  readonly onChange?: (task: TaskJson) => void;
}

/** Wakes when something was committed, in whichever process, and does nothing otherwise. */
export async function waitForTask(context: OperationContext, wait: WaitForTask): Promise<TaskJson> {
  const { store, clock } = context;
  let commits = 0;
  let isOver = wait.signal.aborted;
  let wake = (): void => {};
  const end = (): void => {
    isOver = true;
    wake();
  };
  const unsubscribe = store.onCommit(() => {
    commits += 1;
    wake();
  });
  const cancelTimer = clock.setTimer(wait.timeoutMs, end);
  wait.signal.addEventListener("abort", end);
  try {
    for (;;) {
      const seen = commits;
      const task = await runOperation(taskShow, context, { input: { task: wait.taskId } });
      wait.onChange?.(task);
      if (isOver || isAtRest(task)) return task;
      await new Promise<void>((resolve) => {
        if (commits > seen || isOver) resolve();
        else wake = resolve;
      });
    }
  } finally {
    cancelTimer();
    unsubscribe();
    wait.signal.removeEventListener("abort", end);
  }
}

/** Waiting for other tasks, or for an instant, a task goes on by itself. */
function isAtRest({ status, blockedReason }: TaskJson): boolean {
  if (status === "pending" || status === "in_progress") return false;
  return status !== "blocked" || blockedReason !== "dependencies";
}
