/**
 * Where the command line writes: results on stdout, remarks and errors on stderr. Writes are synchronous, so nothing is lost
 * at exit, and `process.stdout` (slow to load) is touched only on a terminal.
 */

import { systemClock } from "../base/clock.ts";
import { fstatSync, statSync, writeSync } from "../base/quick-fs.ts";
import type { Paint } from "./terminal/ansi.ts";
import { colourPaint, hasColour, isLive, plainPaint } from "./terminal/ansi.ts";

/** How text is shown. */
export interface View {
  readonly paint: Paint;
  /** Columns of the terminal; `null` when the output is not one. */
  readonly width: number | null;
  readonly now: number;
}

export interface Output {
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  /** The screen may be redrawn in place. */
  readonly isLive: boolean;
  view(): View;
  /** On stdout, with a line end; as it is, so it must be safe for a terminal. */
  print(text: string): void;
  /** The one document of `--json`. */
  printData(data: unknown): void;
  /** One line of `--json` where there are many. */
  printEvent(event: unknown): void;
  /** What is neither result nor error, on stderr; nothing with `--quiet` or `--json`. */
  remark(text: string): void;
  /** On stdout, without a line end: for redrawing. */
  draw(text: string): void;
  /** Calls `listener` when whoever read stdout has gone. */
  onClosed(listener: () => void): void;
}

const SCHEMA_VERSION = 1;
const STDOUT = 1;
const STDERR = 2;

export function createOutput({ isJson, isQuiet }: { readonly isJson: boolean; readonly isQuiet: boolean }): Output {
  const isTty = isTerminal(STDOUT);
  const paint = hasColour({ env: process.env, isTty }) ? colourPaint : plainPaint;
  const listeners: (() => void)[] = [];
  let isClosed = false;
  const write = (text: string): void => {
    if (isClosed) return;
    isClosed = !writeAll(STDOUT, text);
    if (isClosed) for (const listener of listeners) listener();
  };
  return {
    isJson,
    isQuiet,
    isLive: !isJson && !isQuiet && isLive({ env: process.env, isTty }),
    view: () => ({ paint, width: isTty ? columnsOf(process.stdout) : null, now: systemClock.now() }),
    print: (text) => write(`${text}\n`),
    printData: (data) => write(`${JSON.stringify({ schemaVersion: SCHEMA_VERSION, data }, null, isTty ? 2 : 0)}\n`),
    printEvent: (event) => write(`${JSON.stringify({ schemaVersion: SCHEMA_VERSION, event })}\n`),
    remark(text) {
      if (!isQuiet && !isJson) writeAll(STDERR, `${text}\n`);
    },
    draw: write,
    onClosed: (listener) => listeners.push(listener),
  };
}

/** On stderr, in whatever mode. */
export function writeError(text: string): void {
  writeAll(STDERR, `${text}\n`);
}

export function hasErrorColour(): boolean {
  return hasColour({ env: process.env, isTty: isTerminal(STDERR) });
}

/** A terminal that says it has no columns does not know how many it has. */
function columnsOf({ columns }: { readonly columns?: number }): number | null {
  return columns === undefined || columns <= 0 ? null : columns;
}

function isTerminal(fd: number): boolean {
  try {
    // Only a character device can be a terminal, and /dev/null is none; asking further loads the terminal modules (4 ms).
    const found = fstatSync(fd);
    if (!found.isCharacterDevice() || found.rdev === statSync("/dev/null", { throwIfNoEntry: false })?.rdev)
      return false;
  } catch {
    // A descriptor the parent closed: nothing is written there either.
    return false;
  }
  const tty = process.getBuiltinModule("node:tty");
  return tty.isatty(fd);
}

/** `false` when nobody reads any more. */
function writeAll(fd: number, text: string): boolean {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code === "EAGAIN") waitForReader();
      else if (code === "EPIPE" || code === "EBADF") return false;
      else throw error;
    }
  }
  return true;
}

const WAIT_MS = 2;

/** A pipe that is full and was made non-blocking by whoever shares it. */
function waitForReader(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
}
