/** Starting the processes of this folder, and reading what they print. */

import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const SCRIPTS = {
  claimer: new URL("./claimer.ts", import.meta.url),
  writer: new URL("./writer.ts", import.meta.url),
  listener: new URL("./listener.ts", import.meta.url),
  opener: new URL("./opener.ts", import.meta.url),
};
type Script = keyof typeof SCRIPTS;

type Child = ChildProcessByStdio<null, Readable, null>;

export function scriptPath(script: Script): string {
  return fileURLToPath(SCRIPTS[script]);
}

export function startChild(script: Script, ...args: readonly string[]): Child {
  return spawn(process.execPath, [scriptPath(script), ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

/** All a process prints until it ends, line by line. */
export async function linesOf(child: Child): Promise<readonly string[]> {
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  await Promise.all([once(reader, "close"), once(child, "close")]);
  return lines;
}
