/** Ending what a killed Perdure left running: the command goes on in its own process group until the next run finds it here. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import type { ClockDep } from "../../base/clock.ts";
import type { ExecutionId } from "../../domain/ids.ts";
import type { HostDep } from "../../engine/host.ts";
import type { ProcessLedgerDep, RecordedProcess } from "../../engine/process-ledger.ts";
import { DEFAULT_GRACE_MS, endGroup, listGroup } from "./process-group.ts";

/** The variable by which a process is known to belong to an execution once the leader of its group is gone. */
export const EXECUTION_ID_VARIABLE = "PERDURE_EXECUTION_ID";

export interface EndOrphans {
  readonly executionId: ExecutionId;
  /** From TERM to KILL. Default 5 s. */
  readonly graceMs?: number;
}

/**
 * Ends every process group recorded for an execution on this host that is still alive, forgets it, and returns the
 * groups it ended. Safe to repeat; records of other hosts are left for those.
 *
 * Only who holds the execution's lease may call it. A pid that by now means another process is never signalled.
 *
 * @throws PerdureError `conflict` when a group outlives KILL; its record stays.
 */
export async function endOrphans(
  deps: ProcessLedgerDep & HostDep & ClockDep,
  { executionId, graceMs = DEFAULT_GRACE_MS }: EndOrphans,
): Promise<readonly number[]> {
  const recorded = await deps.processLedger.list(executionId);
  const here = recorded.filter((record) => record.host === deps.host.id);
  const ended = await Promise.all(
    here.map(async (record) => {
      const isOurs = isAlive(deps, executionId, record);
      if (isOurs) await endGroup(deps, { groupId: record.pid, graceMs });
      await deps.processLedger.forget(executionId, record.pid);
      return isOurs ? [record.pid] : [];
    }),
  );
  return ended.flat();
}

function isAlive(deps: HostDep, executionId: ExecutionId, record: RecordedProcess): boolean {
  const startToken = deps.host.startTokenOf(record.pid);
  if (startToken === record.startToken) return true;
  // The kernel gives no pid away that still names a group: once the pid is another's, the whole group is gone.
  if (startToken !== null || process.platform === "win32") return false;
  // The leader is gone. What is in the group may yet be of a later leader of the same pid, gone as well.
  return listGroup(record.pid).some((pid) => belongsTo(executionId, pid));
}

function belongsTo(executionId: ExecutionId, pid: number): boolean {
  const entry = `${EXECUTION_ID_VARIABLE}=${executionId}`;
  return process.platform === "linux"
    ? findEnvironment(pid).includes(entry)
    : findCommandAndEnvironment(pid).includes(entry);
}

function findEnvironment(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    // Gone meanwhile, or another user's and so not known to be ours.
    return [];
  }
}

/** For systems without `/proc`: words of the command and, for one's own processes, of its environment. */
export function findCommandAndEnvironment(pid: number): readonly string[] {
  try {
    const args = ["eww", "-o", "command=", "-p", String(pid)];
    return execFileSync("ps", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .trim()
      .split(/\s+/);
  } catch {
    // Gone meanwhile; ps exits with 1.
    return [];
  }
}
