/**
 * Brings the changes that stand in the journal into the database in memory, from where it was left. A command counts once its
 * last line is there: what stands behind the last whole command was being written when its process died.
 */

import { basename } from "node:path";

import { PerdureError } from "../../base/errors.ts";
import type { JournalEntry, JournalMonth } from "../../trail/journal-files.ts";
import { listJournalMonths, readJournalFile } from "../../trail/journal-files.ts";
import type { JournalHeader } from "../journal-line.ts";
import type { RawChange } from "../rebuild.ts";

/** Where reading goes on. */
export interface JournalPosition {
  /** The newest that was read from; `null` before the first. */
  readonly month: string | null;
  /** Of its text that was taken in. */
  readonly bytes: number;
}

export const JOURNAL_START: JournalPosition = { month: null, bytes: 0 };

export interface JournalLoad {
  readonly header: (header: JournalHeader) => void;
  /** Whole commands, in order. */
  readonly apply: (changes: readonly RawChange[], blobs: ReadonlyMap<string, string>) => void;
  /** The text of a value that is kept as a file. */
  readonly findFile: (hash: string) => string | null;
}

const BATCH_CHANGES = 500;

/** Returns up to where it took the journal in. @throws PerdureError `store-damaged` naming the line. */
export async function loadJournal(
  directory: string,
  from: JournalPosition,
  load: JournalLoad,
): Promise<JournalPosition> {
  let position = from;
  let begun: readonly ChangeLine[] = [];
  const months = await listJournalMonths(directory);
  for (const month of months) {
    if (from.month !== null && month.month < from.month) continue;
    const startsAt = month.month === from.month ? from.bytes : 0;
    const loaded = await loadMonth(month, { startsAt, isNewest: month === months.at(-1), begun }, load);
    position = { month: month.month, bytes: loaded.taken };
    begun = loaded.begun;
  }
  return position;
}

type ChangeLine = Extract<JournalEntry["line"], { readonly kind: "change" }>;

interface MonthOptions {
  readonly startsAt: number;
  readonly isNewest: boolean;
  /** Of a command whose end is not in the months before. Only a repair writes such: what it makes up is of another time than what follows. */
  readonly begun: readonly ChangeLine[];
}

interface LoadedMonth {
  readonly taken: number;
  readonly begun: readonly ChangeLine[];
}

async function loadMonth(
  month: JournalMonth,
  { startsAt, isNewest, begun }: MonthOptions,
  load: JournalLoad,
): Promise<LoadedMonth> {
  let taken = startsAt;
  let whole: RawChange[] = [];
  let blobs = new Map<string, string>();
  let command = [...begun];
  let damaged: JournalEntry | null = null;
  const flush = (): void => {
    if (whole.length > 0) load.apply(whole, blobs);
    whole = [];
    blobs = new Map();
  };
  for await (const entry of readJournalFile(month.plain ?? month.compressed ?? "", { fromOffset: startsAt })) {
    const { line } = entry;
    if (line.kind === "damaged" || !entry.isTerminated) {
      damaged ??= entry;
      continue;
    }
    // Something whole behind it: it is not the end that was torn off.
    if (damaged !== null) break;
    if (line.kind === "header") {
      load.header(line.header);
      if (command.length === 0) taken = entry.offset + entry.sizeBytes;
      continue;
    }
    // Another command begins: the one before was never ended, and so never happened.
    if (line.change.part === 0) command = [];
    command.push(line);
    if (!line.isEnd) continue;
    for (const each of command) {
      whole.push(each.change);
      takeBlobs(each, blobs, load);
    }
    command = [];
    taken = entry.offset + entry.sizeBytes;
    if (whole.length >= BATCH_CHANGES) flush();
  }
  flush();
  if (damaged !== null && !(isNewest && !damaged.isTerminated)) throw damagedJournal(damaged);
  return { taken, begun: command };
}

function takeBlobs(line: ChangeLine, blobs: Map<string, string>, load: JournalLoad): void {
  for (const [hash, text] of line.blobs) blobs.set(hash, text);
  for (const hash of line.files) {
    const text = load.findFile(hash);
    if (text !== null) blobs.set(hash, text);
  }
}

function damagedJournal({ file, lineNumber, line }: JournalEntry): PerdureError {
  const why = line.kind === "damaged" ? line.why : "it is torn off";
  return new PerdureError("store-damaged", {
    message: `The journal is damaged: line ${lineNumber} of ${basename(file)} cannot be read: ${why}`,
    hint: `Nothing was changed. Keep a copy of ${file}; \`perdure repair\` recovers what can be.`,
    details: { file, line: lineNumber },
  });
}
