/**
 * Appending lines to the files of a journal. Where it ends is read from its last line, so whoever comes after a crash goes
 * on from there: what is torn off at the end is cut before anything is added. Only one process may be in it at a time.
 */

import { mkdir, open, stat } from "node:fs/promises";
import { join } from "node:path";

import { syncDirectory } from "../base/atomic-file.ts";
import type { JournalHeader } from "../store/journal-line.ts";
import { readJournalLine } from "../store/journal-line.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { JournalEnd } from "./journal-end.ts";
import { findJournalEnd } from "./journal-end.ts";
import { plainName } from "./journal-files.ts";
import type { JournalPiece, NewestFile, NewLine } from "./journal-placing.ts";
import { placeLines } from "./journal-placing.ts";

export interface JournalWriterOptions {
  /** Made when it is not there. */
  readonly directory: string;
  /** What counts as torn off: a line without its break, or also a command without its end. */
  readonly keepsWhole: "lines" | "commands";
}

export interface WriterEnd {
  /** Whose journal it is; `null` when it does not say. */
  readonly header: JournalHeader | null;
  /** The last change that counts; `null` when there is none. */
  readonly last: RawChange | null;
}

export interface AppendLines {
  /** In the order of their changes. */
  readonly lines: readonly NewLine[];
  /** What begins a file. */
  readonly headerLine: string;
  /** Of the last line. */
  readonly last: RawChange;
}

export interface JournalWriter {
  /** Where it ends; the very same change as long as nobody else has written. */
  end(): Promise<WriterEnd>;
  /** Cuts what is torn off. */
  cut(): Promise<void>;
  /** Resolves once the lines are durable. Returns whether the month before is over: its file is no longer the newest. */
  append(input: AppendLines): Promise<{ readonly beganMonth: boolean }>;
}

/** Where the journal stands, as long as nobody else writes to it. */
interface Position extends WriterEnd {
  readonly newest: (NewestFile & { readonly sizeBytes: number }) | null;
  /** What is to be cut before anything is added. */
  readonly torn: { readonly file: string; readonly bytes: number } | null;
}

export function journalWriter({ directory, keepsWhole }: JournalWriterOptions): JournalWriter {
  let known: Position | null = null;

  async function position(): Promise<Position> {
    if (known !== null && (await isStill(directory, known))) return known;
    return (known = positionAt(await findJournalEnd(directory), keepsWhole));
  }
  async function cut(): Promise<Position> {
    const at = await position();
    if (at.torn === null) return at;
    known = null;
    await truncate(at.torn);
    return await position();
  }

  return {
    async end() {
      const { header, last } = await position();
      return { header, last };
    },
    async cut() {
      await cut();
    },
    async append({ lines, headerLine, last }) {
      const from = await cut();
      // Unknown until all of it is written.
      known = null;
      await mkdir(directory, { recursive: true });
      const pieces = placeLines(lines, { newest: from.newest, headerLine });
      let sizeBytes = 0;
      for (const piece of pieces) sizeBytes = await appendPiece(directory, piece);
      if (pieces.some((piece) => piece.month !== from.newest?.month)) await syncDirectory(directory);
      const month = pieces.at(-1)?.month ?? "";
      const newest = { month, isCompressed: false, isEmpty: false, sizeBytes };
      known = { newest, torn: null, header: from.header ?? headerOf(headerLine), last };
      return { beganMonth: from.newest !== null && from.newest.month !== month };
    },
  };
}

function headerOf(headerLine: string): JournalHeader | null {
  const line = readJournalLine(headerLine);
  return line.kind === "header" ? line.header : null;
}

function positionAt(end: JournalEnd, keepsWhole: JournalWriterOptions["keepsWhole"]): Position {
  const { month, file, sizeBytes, header } = end;
  const [bytes, last] = keepsWhole === "lines" ? [end.wholeBytes, end.last] : [end.commandBytes, end.lastEnd];
  const newest =
    month === null ? null : { month, isCompressed: file === null, isEmpty: file !== null && bytes === 0, sizeBytes };
  return { newest, torn: file === null || sizeBytes === bytes ? null : { file, bytes }, header, last };
}

/** Whether the file that was the newest has neither grown nor been taken away. */
async function isStill(directory: string, { newest }: Position): Promise<boolean> {
  if (newest === null || newest.isCompressed) return false;
  try {
    return (await stat(join(directory, plainName(newest.month)))).size === newest.sizeBytes;
  } catch {
    // Whatever is wrong with it shows when it is looked for.
    return false;
  }
}

/** Returns the size of the file now. */
async function appendPiece(directory: string, { month, text }: JournalPiece): Promise<number> {
  const file = await open(join(directory, plainName(month)), "a");
  try {
    await file.writeFile(text);
    await file.datasync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

async function truncate({ file, bytes }: { readonly file: string; readonly bytes: number }): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.truncate(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
