/** The steps of a journal as rows of a table. */

import { formatDuration } from "../../base/duration.ts";
import type { StepJson } from "../../operations/json/step.ts";
import { safeLine } from "../terminal/ansi.ts";
import { firstLine } from "./status-text.ts";

export function stepRows(steps: readonly StepJson[]): readonly (readonly string[])[] {
  return steps.map((step) => [
    step.status,
    safeLine(step.name),
    step.endedAt === null ? "" : formatDuration(Date.parse(step.endedAt) - Date.parse(step.startedAt)),
    noteOf(step),
  ]);
}

function noteOf({ error, waitsFor, status, attempt }: StepJson): string {
  if (error !== null) return firstLine(error.message);
  if (status === "started" && waitsFor !== null) return `waits for ${safeLine(waitsFor)}`;
  return attempt > 1 ? `attempt ${attempt}` : "";
}
