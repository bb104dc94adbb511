/** The real command line as a process, with its exit. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { resolve } from "node:path";

const BIN = resolve(import.meta.dirname, "../../bin/perdure.js");

export interface PerdureProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** What it printed, standard output and errors together. */
  output(): string;
}

const children = new Set<ChildProcess>();

/** Ends whatever a failed test left running. */
export function killAll(): void {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
}

export function startPerdure(args: readonly string[]): PerdureProcess {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let output = "";
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.on("exit", (code, signal) => {
      children.delete(child);
      done({ code, signal });
    });
  });
  return { child, exited, output: () => output };
}
