/** The machine this process runs on, and what can be said of other processes on it. */

export interface Host {
  /** The same for all processes that see each other's pids: host name and pid namespace. */
  readonly id: string;
  readonly pid: number;
  /** Of this process. */
  readonly startToken: string;
  /** Tells a process from a later one with the same pid: boot id and start time. `null` when there is no such process. */
  startTokenOf(pid: number): string | null;
}

export interface HostDep {
  readonly host: Host;
}
