/** Operating-system processes that executions started. Coordination: not in the change log. */

import type { ExecutionId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command } from "../command.ts";
import { defineRead, defineWrite, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";

export interface ProcessRecord {
  readonly host: string;
  readonly pid: number;
  readonly startToken: string;
}

export const recordProcess = defineWrite(
  "record-process",
  function* (context, input: { readonly executionId: ExecutionId; readonly process: ProcessRecord }): Command<void> {
    const { host, pid, startToken } = input.process;
    yield* rows(
      `insert into processes (project_id, execution_id, pid, host, start_token) values (?, ?, ?, ?, ?)
        on conflict (project_id, execution_id, pid) do update set host = excluded.host, start_token = excluded.start_token`,
      context.projectId,
      input.executionId,
      pid,
      host,
      startToken,
    );
  },
);

export const listProcesses = defineRead(
  "list-processes",
  function* (context, input: { readonly executionId: ExecutionId }): Command<readonly ProcessRecord[]> {
    const sql = "select host, pid, start_token from processes where project_id = ? and execution_id = ? order by pid";
    const found = yield* rows(sql, context.projectId, input.executionId);
    return found.map((row) => ({ host: text(row.host), pid: integer(row.pid), startToken: text(row.start_token) }));
  },
);

export interface HeldProcess extends ProcessRecord {
  readonly executionId: ExecutionId;
  /** Whether a registered worker runs its execution. */
  readonly isHeld: boolean;
}

/** Every process on record, of all executions. */
export const listAllProcesses = defineRead("list-all-processes", function* (context): Command<readonly HeldProcess[]> {
  const sql = `select p.execution_id as execution_id, p.host as host, p.pid as pid, p.start_token as start_token,
      (w.id is not null) as is_held
    from processes p
    left join executions e on e.project_id = p.project_id and e.id = p.execution_id and e.status = 'running'
    left join workers w on w.project_id = p.project_id and w.id = e.worker_id
    where p.project_id = ? order by p.execution_id, p.pid`;
  return (yield* rows(sql, context.projectId)).map((row) => ({
    executionId: asId(text(row.execution_id)),
    host: text(row.host),
    pid: integer(row.pid),
    startToken: text(row.start_token),
    isHeld: row.is_held === 1,
  }));
});

export const forgetProcess = defineWrite(
  "forget-process",
  function* (context, input: { readonly executionId: ExecutionId; readonly pid: number }): Command<void> {
    const sql = "delete from processes where project_id = ? and execution_id = ? and pid = ?";
    yield* rows(sql, context.projectId, input.executionId, input.pid);
  },
);
