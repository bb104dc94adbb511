/** Which file each new line of the journal goes into, and what begins a file. */

import type { Millis } from "../base/clock.ts";
import { monthOf } from "./journal-files.ts";

export interface NewLine {
  readonly at: Millis;
  /** Without its line break. */
  readonly text: string;
}

export interface NewestFile {
  readonly month: string;
  readonly isCompressed: boolean;
  /** Whether it holds no whole line yet. */
  readonly isEmpty: boolean;
}

export interface JournalPiece {
  readonly month: string;
  /** Lines with their breaks, the header among them where they begin a file. */
  readonly text: string;
}

/** In order; each piece goes to the end of the plain file of its month. `headerLine` has no line break. */
export function placeLines(
  lines: readonly NewLine[],
  { newest, headerLine }: { readonly newest: NewestFile | null; readonly headerLine: string },
): readonly JournalPiece[] {
  const pieces: { month: string; text: string }[] = [];
  // A compressed file is complete: what comes goes into the next month at the earliest.
  const earliest = newest === null ? "" : newest.isCompressed ? monthAfter(newest.month) : newest.month;
  let month = earliest;
  for (const { at, text } of lines) {
    if (monthOf(at) > month) month = monthOf(at);
    const last = pieces.at(-1);
    if (last?.month === month) last.text += `${text}\n`;
    else pieces.push({ month, text: `${beginsFile(month, newest) ? `${headerLine}\n` : ""}${text}\n` });
  }
  return pieces;
}

function beginsFile(month: string, newest: NewestFile | null): boolean {
  return newest === null || month !== newest.month || newest.isEmpty;
}

function monthAfter(month: string): string {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return monthOf(Date.UTC(year, number));
}
