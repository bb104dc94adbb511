/** The real machine: who this process is, and whether another process still is the one that was recorded. */

import { hostname } from "node:os";

import { readFileSync, readlinkSync } from "../base/quick-fs.ts";
import type { Host } from "./host.ts";

export function systemHost(): Host {
  const startTimeOf = startTimeReader(process.platform);
  const startToken = startTimeOf(process.pid);
  if (startToken === null) {
    throw new Error(`The start time of this process (${process.pid}) cannot be read`);
  }
  return {
    id: hostId(),
    pid: process.pid,
    startToken,
    startTokenOf: (pid) => (pid === process.pid ? startToken : startTimeOf(pid)),
  };
}

function hostId(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    // Only Linux has pid namespaces; elsewhere the host name alone says who sees whom.
    return hostname();
  }
}

/** How a platform tells when a process started; `null` from the reader when there is no such process. */
export function startTimeReader(platform: NodeJS.Platform): (pid: number) => string | null {
  if (platform === "linux") return linuxStartTimes();
  return platform === "win32" ? windowsStartTime : posixStartTime;
}

function linuxStartTimes(): (pid: number) => string | null {
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return (pid) => {
    const stat = findProcessStat(pid);
    return stat === null || stat.isZombie ? null : `${bootId}/${stat.startTicks}`;
  };
}

export interface ProcessStat {
  readonly isZombie: boolean;
  readonly groupId: number;
  /** Clock ticks after boot. */
  readonly startTicks: string;
}

/** What Linux says of a process in `/proc/PID/stat`, or `null` when there is no such process. See proc_pid_stat(5). */
export function findProcessStat(pid: number): ProcessStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
  // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fields[0] ?? "";
  return {
    isZombie: state === "Z" || state === "X",
    groupId: Number(fields[2]),
    startTicks: fields[19] ?? "",
  };
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH");
}

function posixStartTime(pid: number): string | null {
  // A fixed locale and zone, or the same instant would read differently to another process.
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const line = outputOf("ps", ["-o", "stat=,lstart=", "-p", String(pid)], env);
  const [state, ...started] = line.split(/\s+/);
  return state === undefined || state.startsWith("Z") || started.length === 0 ? null : started.join(" ");
}

function windowsStartTime(pid: number): string | null {
  const script = `(Get-Process -Id ${pid} -ErrorAction SilentlyContinue).StartTime.Ticks`;
  const args = ["-NoProfile", "-NonInteractive", "-Command", script];
  return outputOf("powershell.exe", args, process.env) || null;
}

/** Empty when the program found nothing; both tools then exit with 1. */
function outputOf(file: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  // Loaded here only: Linux needs no program to find out.
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  try {
    return execFileSync(file, args, {
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 1) return "";
    throw error;
  }
}
