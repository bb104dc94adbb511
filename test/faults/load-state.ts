/** How far a load has come, and who is at work on what. */

import type { Command } from "../../src/store/command.ts";
import { defineRead, oneRow, rows } from "../../src/store/command.ts";

export interface LoadState {
  readonly total: number;
  readonly completed: number;
  /** Executions that run, and the process that holds each. */
  readonly running: readonly { readonly execution: string; readonly pid: number | null }[];
}

export const readLoadState = defineRead("read-load-state", function* (context): Command<LoadState> {
  const counted = yield* oneRow(
    "select count(*) as total, sum(case when status = 'completed' then 1 else 0 end) as completed from tasks where project_id = ?",
    context.projectId,
  );
  const running = yield* rows(
    `select e.id as id, w.pid as pid from executions e
      left join workers w on w.project_id = e.project_id and w.id = e.worker_id
      where e.project_id = ? and e.status = 'running' order by e.seq`,
    context.projectId,
  );
  return {
    total: Number(counted?.total),
    completed: Number(counted?.completed ?? 0),
    running: running.map(({ id, pid }) => ({ execution: String(id), pid: pid === null ? null : Number(pid) })),
  };
});
