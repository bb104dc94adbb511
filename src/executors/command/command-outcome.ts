/** What the end of a command means for its task: a result, or an error that tells a person what happened. */

import { stripVTControlCharacters } from "node:util";

import { PerdureError } from "../../base/errors.ts";
import { brokenStartBytes, type FinishedOutput } from "./bounded-output.ts";
import type { LineOutcome } from "./run-line.ts";

/** A task's result. The whole output is an artifact. */
export interface CommandResult {
  readonly exitCode: 0;
  /** The end of the output, from a line start; what is not UTF-8 or is NUL is replaced. */
  readonly output: string;
  /** Whether `output` is not all of it. */
  readonly truncated: boolean;
  readonly durationMs: number;
}

const MESSAGE_LINES = 5;
const MESSAGE_CHARS = 1_000;

const HINTS: Readonly<Record<number, string>> = {
  126: "The shell found the command but may not run it: is the file executable?",
  127: "The shell did not find the command: check its name, and PATH.",
};

/** Meaning of exit codes that are not a plain failure. `tempfail` is EX_TEMPFAIL of sysexits(3): ask again later. */
export const EXIT = { done: 0, notDone: 1, tempfail: 75 } as const;

export function toCommandResult({ output, durationMs }: LineOutcome): CommandResult {
  const tail = endFromLineStart(output);
  return { exitCode: EXIT.done, output: tail.text, truncated: tail.isCut, durationMs };
}

/** The error for an outcome other than exit 0, its last lines included. */
export function toFailure({ end, output }: LineOutcome): PerdureError {
  if (end.kind === "stopped") return toStopError(end.reason, output);
  const said = lastLines(output);
  const what = end.kind === "killed" ? `killed by ${end.signal}` : `exit code ${end.code}`;
  const hint = end.kind === "exited" ? HINTS[end.code] : undefined;
  return new PerdureError("work-failed", {
    message: said === "" ? what : `${what}: ${said}`,
    ...(hint === undefined ? {} : { hint }),
    details: end.kind === "killed" ? { signal: end.signal } : { exitCode: end.code },
  });
}

function toStopError(reason: unknown, output: FinishedOutput): PerdureError {
  const said = lastLines(output);
  const ending = said === "" ? "" : `; its last output: ${said}`;
  if (reason === "timed-out") {
    return new PerdureError("work-failed", {
      message: `The command took too long and was ended${ending}`,
    });
  }
  return new PerdureError("interrupted", {
    message: `The command was ended before it was done (${String(reason)})${ending}`,
    details: { reason: String(reason) },
  });
}

/** The last lines that say something, without colours, fit for a message. */
export function lastLines(output: FinishedOutput): string {
  const lines = stripVTControlCharacters(endFromLineStart(output).text)
    .split(/\r\n|\n|\r/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  return lines.slice(-MESSAGE_LINES).join("\n").slice(-MESSAGE_CHARS);
}

function endFromLineStart({ tail, sizeBytes }: FinishedOutput): {
  readonly text: string;
  readonly isCut: boolean;
} {
  const isCut = sizeBytes > tail.length;
  const lineEnd = tail.indexOf("\n");
  const hasLineStart = lineEnd !== -1 && lineEnd < tail.length - 1;
  const from = hasLineStart ? lineEnd + 1 : brokenStartBytes(tail);
  // JSON allows NUL but Postgres does not store it.
  const text = tail.toString("utf8", isCut ? from : 0).replaceAll("\0", "\u{fffd}");
  return { text, isCut };
}
