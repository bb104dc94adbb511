/** Telling what went wrong: for people on stderr, for programs as one JSON document there; and the exit code of it. */

import type { ErrorCode } from "../base/errors.ts";
import { ERROR_CODES, isPerdureError, messageOf } from "../base/errors.ts";
import { hasErrorColour, writeError } from "./output.ts";
import type { Paint } from "./terminal/ansi.ts";
import { colourPaint, plainPaint, safeText } from "./terminal/ansi.ts";

interface Report {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

const BUG_HINT = "This is a bug in Perdure. Please report it with the lines above; no acknowledged work is lost.";

/** Returns the exit code. */
export function reportError(error: unknown, { isJson }: { readonly isJson: boolean }): number {
  const { text, exit } = describeError(error, { isJson, paint: hasErrorColour() ? colourPaint : plainPaint });
  writeError(text);
  return exit;
}

export function describeError(
  error: unknown,
  { isJson, paint }: { readonly isJson: boolean; readonly paint: Paint },
): { readonly text: string; readonly exit: number } {
  const report = toReport(error);
  const text = isJson ? JSON.stringify({ schemaVersion: 1, error: report }) : toText(report, paint);
  return { text, exit: ERROR_CODES[report.code].exit };
}

function toReport(error: unknown): Report {
  if (isPerdureError(error)) {
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return { code: "bug", message: messageOf(error), hint: BUG_HINT, details: stack === undefined ? {} : { stack } };
}

function toText({ code, message, hint, details }: Report, paint: Paint): string {
  const lines = [`${paint("red", "error:")} ${safeText(message)}`];
  if (code === "bug" && typeof details.stack === "string") lines.push(safeText(details.stack));
  if (hint !== null) lines.push(`${paint("cyan", "hint:")} ${safeText(hint)}`);
  return lines.join("\n");
}
