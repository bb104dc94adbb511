/**
 * Lines of the journal whose break was damaged, so that they look like one. Told apart by their checksums: what one covers
 * to the last byte was written as a line.
 */

import type { JournalLine } from "../store/journal-line.ts";
import { readJournalLine } from "../store/journal-line.ts";

const SEAL = /,"sum":"[0-9a-f]{8}"\}/g;
const BEGINNING = /\{"(?:seq|journal)":/g;
/** Values may hold what looks like the end or the beginning of a line; so many are tried. */
const ATTEMPTS = 32;

/** The whole lines at the beginning and the end of `text`, and what lies between; `null` when there is none. */
export function splitMergedLines(text: string): readonly JournalLine[] | null {
  const first = firstLineOf(text);
  const rest = text.slice(first.endsAt);
  const last = lastLineOf(rest);
  if (first.line === null && last.line === null) return null;
  const between = rest.slice(0, last.beginsAt);
  const lost: JournalLine = { kind: "damaged", why: "it stands between two lines" };
  return [
    ...(first.line === null ? [] : [first.line]),
    // What took the place of the break itself is no loss.
    ...(between.length > 4 ? [lost] : []),
    ...(last.line === null ? [] : [last.line]),
  ];
}

function firstLineOf(text: string): { readonly line: JournalLine | null; readonly endsAt: number } {
  let attempts = 0;
  for (const seal of text.matchAll(SEAL)) {
    const endsAt = seal.index + seal[0].length;
    const line = readJournalLine(text.slice(0, endsAt));
    if (line.kind !== "damaged") return { line, endsAt };
    if (++attempts >= ATTEMPTS) break;
  }
  return { line: null, endsAt: 0 };
}

function lastLineOf(text: string): { readonly line: JournalLine | null; readonly beginsAt: number } {
  let attempts = 0;
  for (const { index } of text.matchAll(BEGINNING)) {
    const line = readJournalLine(text.slice(index));
    if (line.kind !== "damaged") return { line, beginsAt: index };
    if (++attempts >= ATTEMPTS) break;
  }
  return { line: null, beginsAt: text.length };
}
