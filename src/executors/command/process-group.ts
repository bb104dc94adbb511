/** Process groups: who is in one, and ending it, TERM first and KILL for what does not listen. */

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

import type { ClockDep } from "../../base/clock.ts";
import { PerdureError } from "../../base/errors.ts";
import { findProcessStat } from "../../engine/system-host.ts";

export const DEFAULT_GRACE_MS = 5_000;
const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 200;
/** How long a killed process may take to go away; longer means that it hangs in the kernel or is not ours to kill. */
const KILL_DEADLINE_MS = 10_000;

/** The living processes of a group; a zombie is not one. */
export function listGroup(groupId: number): readonly number[] {
  if (!sendSignal(groupId, 0)) return [];
  return process.platform === "linux" ? listGroupFromProc(groupId) : listGroupFromPs(groupId);
}

/**
 * Ends every process of a group and resolves when none is left.
 *
 * The caller has made sure that the group is the one it means. On Windows, where there are no groups, ends the process tree.
 *
 * @throws PerdureError `conflict` when something in it outlives KILL.
 */
export async function endGroup(
  deps: ClockDep,
  { groupId, graceMs }: { readonly groupId: number; readonly graceMs: number },
): Promise<void> {
  if (process.platform === "win32") return endTree(groupId);
  if (listGroup(groupId).length === 0) return;
  sendSignal(groupId, "SIGTERM");
  // A stopped process would not see the TERM.
  sendSignal(groupId, "SIGCONT");
  if (await isEmptyWithin(deps, groupId, graceMs)) return;
  sendSignal(groupId, "SIGKILL");
  if (await isEmptyWithin(deps, groupId, KILL_DEADLINE_MS)) return;
  throw new PerdureError("conflict", {
    message: `Process group ${groupId} is still there ${KILL_DEADLINE_MS / 1_000} s after KILL`,
    hint: "End it by hand: it may belong to another user or hang in the kernel. The task can be retried then.",
    details: { groupId, pids: listGroup(groupId) },
  });
}

async function isEmptyWithin(deps: ClockDep, groupId: number, withinMs: number): Promise<boolean> {
  const deadline = deps.clock.now() + withinMs;
  let pollMs = FIRST_POLL_MS;
  while (listGroup(groupId).length > 0) {
    const remainingMs = deadline - deps.clock.now();
    if (remainingMs <= 0) return false;
    const delayMs = Math.min(pollMs, remainingMs);
    await new Promise<void>((resolve) => deps.clock.setTimer(delayMs, resolve));
    pollMs = Math.min(LONGEST_POLL_MS, pollMs * 2);
  }
  return true;
}

/** Whether there was a process, alive or zombie, to signal. */
function sendSignal(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-groupId, signal);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ESRCH") return false;
    // Another user's process, or on macOS a group of zombies only: it exists, and the list tells which.
    if (code === "EPERM") return true;
    throw error;
  }
}

function listGroupFromProc(groupId: number): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const stat = findProcessStat(pid);
    return stat !== null && stat.groupId === groupId && !stat.isZombie;
  });
}

/** For systems without `/proc`. */
export function listGroupFromPs(groupId: number): readonly number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,pgid=,stat="], { encoding: "utf8" });
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, group, state]) => Number(group) === groupId && !state?.startsWith("Z"))
    .map(([pid]) => Number(pid));
}

function endTree(pid: number): void {
  try {
    execFileSync("taskkill", ["/pid", String(pid), "/T", "/F"], { stdio: "ignore" });
  } catch {
    // It says so with an exit code when the process is gone already.
  }
}
