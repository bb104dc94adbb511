/**
 * A shell that has started but does nothing before it is told to. Until then its process can be recorded durably; should
 * Perdure die first, the pipe it waits on closes and the line never runs, so no process runs that nobody knows of.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { promisify } from "node:util";

import { NonRetryable } from "../../domain/retry-policy.ts";

/**
 * The line arrives as an argument and is never part of the script. Both output streams become one, which keeps their order.
 * Exit code 125: never told to go on.
 */
const GATE_SCRIPT = 'read -r _ <&3 || exit 125; exec 3<&- 2>&1; exec /bin/sh -c -- "$1"';

export interface GatedShell {
  /** Also the id of its process group. */
  readonly pid: number;
  /** Standard output and standard error, in the order they were written. */
  readonly output: Readable;
  /** Lets the line run. */
  open(): void;
  /** Ends the shell if it was not opened; without effect afterwards. */
  abandon(): void;
  /** Resolves when the shell has ended. */
  readonly ended: Promise<ShellEnd>;
}

export type ShellEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: NodeJS.Signals };

export interface ShellOptions {
  readonly line: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** A path, free to use, for the pipe the output comes through. */
  readonly pipePath: string;
}

/** On Windows there is no such gate: the line runs at once. @throws NonRetryable when the system refuses such a line. */
export async function startGatedShell(options: ShellOptions): Promise<GatedShell> {
  const pipe = process.platform === "linux" ? await findNamedPipe(options.pipePath) : null;
  try {
    const child = spawnShell(options, pipe?.writeEnd ?? "pipe");
    const ended = endOf(child);
    await once(child, "spawn");
    const output = pipe?.output ?? outputOf(child);
    if (child.pid === undefined || output === null) throw new Error("The shell has no process id");
    const gate = child.stdio[3];
    // A shell that was killed at the gate reads no more; its end is told by `ended`.
    gate?.on("error", () => {});
    const writable = gate instanceof Socket ? gate : null;
    return {
      pid: child.pid,
      output,
      ended,
      open: () => writable?.end("\n"),
      abandon: () => writable?.destroy(),
    };
  } catch (error) {
    pipe?.output.destroy();
    throw spawnFailure(error);
  } finally {
    // The shell has its own copy; with ours open the output would never end.
    if (pipe !== null) closeSync(pipe.writeEnd);
  }
}

function spawnShell(options: ShellOptions, output: number | "pipe"): ChildProcess {
  const { cwd, env, line } = options;
  if (process.platform !== "win32") {
    return spawn("/bin/sh", ["-c", GATE_SCRIPT, "sh", line], {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", output, "ignore", "pipe"],
    });
  }
  return spawn("cmd.exe", ["/d", "/s", "/c", `"${line}"`], {
    cwd,
    env,
    windowsHide: true,
    windowsVerbatimArguments: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Both streams of a child in the order they arrive; on Windows only, for elsewhere the script has made them one. */
function outputOf(child: ChildProcess): Readable | null {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) return stdout;
  const both = new PassThrough();
  for (const stream of [stdout, stderr]) stream.pipe(both, { end: false });
  void Promise.allSettled([finished(stdout), finished(stderr)]).then(() => both.end());
  return both;
}

function endOf(child: ChildProcess): Promise<ShellEnd> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      resolve(signal === null ? { kind: "exited", code: code ?? 0 } : { kind: "killed", signal });
    });
  });
}

interface NamedPipe {
  readonly output: Socket;
  readonly writeEnd: number;
}

/**
 * A real pipe for the output. What Node gives a child is a socket, which Linux refuses to open by name: then
 * `echo oops > /dev/stderr` fails. `null` where there are no named pipes; the socket has to do there.
 */
async function findNamedPipe(path: string): Promise<NamedPipe | null> {
  try {
    await promisify(execFile)("mkfifo", ["-m", "600", path]);
  } catch {
    return null;
  }
  // In this order, and without blocking, neither end waits for the other.
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  await unlink(path);
  return { output: new Socket({ fd: readEnd, readable: true, writable: false }), writeEnd };
}

function spawnFailure(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "E2BIG") {
    return new NonRetryable("The command line is longer than the system allows; put it in a script file", {
      cause: error,
    });
  }
  return error;
}
