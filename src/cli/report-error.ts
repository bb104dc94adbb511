/** Telling what went wrong: for people on stderr, for programs as one JSON document there; and the exit code of it. */

import type { ErrorCode } from "../base/errors.ts";
import { ERROR_CODES, isPerdureError } from "../base/errors.ts";
import { hasErrorColour, writeError } from "./output.ts";
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
  const report = toReport(error);
  if (isJson) writeError(JSON.stringify({ schemaVersion: 1, error: report }));
  else writeError(toText(report, error));
  return ERROR_CODES[report.code].exit;
}

function toReport(error: unknown): Report {
  if (isPerdureError(error)) {
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const message = error instanceof Error ? error.message : String(error);
  return { code: "bug", message, hint: BUG_HINT, details: { stack } };
}

function toText({ code, message, hint }: Report, error: unknown): string {
  const paint = hasErrorColour() ? colourPaint : plainPaint;
  const lines = [`${paint("red", "error:")} ${safeText(message)}`];
  if (code === "bug" && error instanceof Error && error.stack !== undefined) lines.push(safeText(error.stack));
  if (hint !== null) lines.push(`${paint("cyan", "hint:")} ${safeText(hint)}`);
  return lines.join("\n");
}
