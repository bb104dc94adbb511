/** The processor time a PostgreSQL server has used, with all its processes: what a benchmark costs on the other side. */

import { readFileSync, readdirSync } from "node:fs";

/** What Linux counts in, whatever the machine. */
const TICKS_PER_SECOND = 100;

/** Milliseconds so far, or `null` where the machine does not tell. @param pid Of the process that all others are children of. */
export function serverCpuMs(pid: number): number | null {
  try {
    const own = statOf(pid);
    // Children that have ended count in their parent.
    let ticks = sum(own, ["user", "system", "endedUser", "endedSystem"]);
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const child = statOrNull(Number(name));
      if (child?.parent === pid) ticks += sum(child, ["user", "system"]);
    }
    return (ticks * 1_000) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}

interface Stat {
  readonly parent: number;
  readonly user: number;
  readonly system: number;
  readonly endedUser: number;
  readonly endedSystem: number;
}

function statOrNull(pid: number): Stat | null {
  try {
    return statOf(pid);
  } catch {
    // Ended while it was looked at.
    return null;
  }
}

function statOf(pid: number): Stat {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Behind the name, which may hold anything.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const at = (index: number): number => fields[index] ?? 0;
  return { parent: at(1), user: at(11), system: at(12), endedUser: at(13), endedSystem: at(14) };
}

function sum(stat: Stat, names: readonly (keyof Stat)[]): number {
  return names.reduce((total, name) => total + stat[name], 0);
}
