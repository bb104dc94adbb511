/** What a worker must stop: found by looking at what it believes to hold. */

import type { ExecutionId } from "../../domain/ids.ts";
import type { Command } from "../command.ts";
import { defineRead, oneRow } from "../command.ts";
import { integer } from "../entity-rows.ts";
import type { Hold } from "./task-rows.ts";

export interface Stops {
  /** Somebody asked for an interrupt. */
  readonly interrupted: readonly ExecutionId[];
  /** The task was cancelled. */
  readonly cancelled: readonly ExecutionId[];
  /** Another worker has them, or they ended otherwise. */
  readonly lost: readonly ExecutionId[];
}

export const findStops = defineRead(
  "find-stops",
  function* (context, input: { readonly holds: readonly Hold[] }): Command<Stops> {
    const interrupted: ExecutionId[] = [];
    const cancelled: ExecutionId[] = [];
    const lost: ExecutionId[] = [];
    for (const hold of input.holds) {
      const row = yield* oneRow(
        `select e.fence as fence, e.status as status, e.interrupt_requested as interrupt_requested, t.status as task_status
        from executions e join tasks t on t.project_id = e.project_id and t.id = e.task_id where e.project_id = ? and e.id = ?`,
        context.projectId,
        hold.executionId,
      );
      const isHeld = row !== null && row.status === "running" && integer(row.fence) === hold.fence;
      if (isHeld && row.interrupt_requested === 1) interrupted.push(hold.executionId);
      else if (!isHeld) (row?.task_status === "cancelled" ? cancelled : lost).push(hold.executionId);
    }
    return { interrupted, cancelled, lost };
  },
);
