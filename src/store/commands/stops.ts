/** What a worker must stop: found by looking at what it believes to hold. */

import type { Command } from "../command.ts";
import { defineRead, oneRow, together } from "../command.ts";
import { integer } from "../entity-rows.ts";
import type { Hold } from "./task-rows.ts";

export interface Stops {
  /** Somebody asked for an interrupt. */
  readonly interrupted: readonly Hold[];
  /** The task was cancelled. */
  readonly cancelled: readonly Hold[];
  /** Claimed again since, by whomever, or ended otherwise. */
  readonly lost: readonly Hold[];
}

export const findStops = defineRead(
  "find-stops",
  function* (context, input: { readonly holds: readonly Hold[] }): Command<Stops> {
    const stops = { interrupted: [] as Hold[], cancelled: [] as Hold[], lost: [] as Hold[] };
    const found = yield* together(
      input.holds.map(({ executionId }) => oneRow(HELD_SQL, context.projectId, executionId)),
    );
    for (const [at, hold] of input.holds.entries()) {
      const row = found[at] ?? null;
      const isHeld = row !== null && row.status === "running" && integer(row.fence) === hold.fence;
      if (isHeld && row.interrupt_requested === 1) stops.interrupted.push(hold);
      else if (!isHeld) (row?.task_status === "cancelled" ? stops.cancelled : stops.lost).push(hold);
    }
    return stops;
  },
);

const HELD_SQL = `select e.fence as fence, e.status as status, e.interrupt_requested as interrupt_requested, t.status as task_status
  from executions e join tasks t on t.project_id = e.project_id and t.id = e.task_id where e.project_id = ? and e.id = ?`;
