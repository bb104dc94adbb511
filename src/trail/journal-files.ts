/**
 * The journal on disk: one file a month, `YYYY-MM.jsonl`, each beginning with a header line; months that are over are
 * compressed, `YYYY-MM.jsonl.gz`. Read here line by line, damaged lines included, without ever holding a file whole.
 *
 * A month's file is the month of its changes, except that a change never goes into an earlier file than the one before
 * it. So `seq` ascends through the files in the order of their names, whatever a clock did.
 */

import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import type { Millis } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { hasErrorCode } from "../base/file-errors.ts";
import { LIMITS } from "../domain/limits.ts";
import type { JournalLine } from "../store/journal-line.ts";
import { readJournalLine } from "../store/journal-line.ts";
import { splitMergedLines } from "./merged-lines.ts";

/** Where the journal lies in `.perdure`. */
export const JOURNAL_DIRECTORY = "journal";

export interface JournalMonth {
  /** `YYYY-MM`. */
  readonly month: string;
  /** Absolute if the directory is; `null` when there is no such file. Both are there after a crash while it was compressed: they hold the same then. */
  readonly plain: string | null;
  readonly compressed: string | null;
}

/** A line where it was found. */
export interface JournalEntry {
  readonly file: string;
  /** From 1. */
  readonly lineNumber: number;
  /** Of its first byte in the file's text; in a compressed file, in what it decompresses to. */
  readonly offset: number;
  /** With its line break. */
  readonly sizeBytes: number;
  /** `false` for a last line that is torn off before its line break: the process writing it was killed. */
  readonly isTerminated: boolean;
  readonly line: JournalLine;
}

const FILE_NAME = /^(\d{4}-\d{2})\.jsonl(\.gz)?$/;
const LINE_BREAK = 0x0a;

/** The months there are, the oldest first; none when there is no such directory. */
export async function listJournalMonths(directory: string): Promise<readonly JournalMonth[]> {
  const months = new Map<string, { plain: string | null; compressed: string | null }>();
  for (const name of await namesIn(directory)) {
    const [, month, isCompressed] = FILE_NAME.exec(name) ?? [];
    if (month === undefined) continue;
    const files = months.get(month) ?? { plain: null, compressed: null };
    files[isCompressed === undefined ? "plain" : "compressed"] = join(directory, name);
    months.set(month, files);
  }
  return [...months].map(([month, files]) => ({ month, ...files })).toSorted((a, b) => (a.month < b.month ? -1 : 1));
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** The month a change at that time belongs to, in UTC. */
export function monthOf(at: Millis): string {
  return new Date(at).toISOString().slice(0, 7);
}

export function plainName(month: string): string {
  return `${month}.jsonl`;
}

/** Whether lines are still added to files of that name. */
export function isPlainName(name: string): boolean {
  return FILE_NAME.test(name) && !name.endsWith(".gz");
}

/** The file that lines are added to, or were last, of those in a directory; `null` when there is none of the journal. */
export function newestName(names: readonly string[]): string | null {
  const files = names.filter((name) => FILE_NAME.test(name)).toSorted();
  const last = files.at(-1);
  const plain = last?.replace(/\.gz$/, "");
  // Where a month is there twice, the plain file counts.
  return plain !== undefined && files.includes(plain) ? plain : (last ?? null);
}

/**
 * Every line of every file, in order. Where a month is there twice, its plain file is read. A file that cannot be read on,
 * because it is damaged or the disk fails, ends with a damaged entry that says why, and the next one follows.
 */
export async function* readJournal(directory: string): AsyncGenerator<JournalEntry> {
  for (const month of await listJournalMonths(directory)) yield* readJournalMonth(month);
}

export async function* readJournalMonth(month: JournalMonth): AsyncGenerator<JournalEntry> {
  if (month.plain !== null) {
    // Compressed and deleted since it was listed, if it is no longer there.
    const isGone = yield* readJournalFile(month.plain, { endsQuietlyIfGone: true });
    if (!isGone) return;
  }
  yield* readJournalFile(month.compressed ?? `${month.plain}.gz`);
}

export interface ReadJournalFile {
  /** Begins with the line that begins there. Default: with the first. */
  readonly fromOffset?: number;
  /** When there is no such file, end and return `true` instead of yielding a damaged entry. Default `false`. */
  readonly endsQuietlyIfGone?: boolean;
}

/** The lines of one file, plain or compressed. Returns whether it was gone. */
export async function* readJournalFile(
  file: string,
  { fromOffset = 0, endsQuietlyIfGone = false }: ReadJournalFile = {},
): AsyncGenerator<JournalEntry, boolean> {
  let lineNumber = 0;
  let offset = fromOffset;
  const place = (sizeBytes: number): Omit<JournalEntry, "line" | "isTerminated"> => {
    lineNumber += 1;
    offset += sizeBytes;
    return { file, lineNumber, offset: offset - sizeBytes, sizeBytes };
  };
  try {
    for await (const { bytes, sizeBytes, isTerminated } of linesIn(await bytesOf(file, fromOffset))) {
      const at = place(sizeBytes);
      for (const line of readLine(bytes)) yield { ...at, isTerminated, line };
    }
  } catch (error) {
    if (endsQuietlyIfGone && lineNumber === 0 && hasErrorCode(error, "ENOENT")) return true;
    yield {
      ...place(0),
      isTerminated: false,
      line: { kind: "damaged", why: `the file cannot be read on from here: ${messageOf(error)}` },
    };
  }
  return false;
}

/** The lines of any file, compressed if its name ends in `.gz`, whatever they hold. */
export async function* readLines(file: string): AsyncGenerator<LineBytes> {
  yield* linesIn(await bytesOf(file, 0));
}

/** One line; two or three where the break between lines was damaged and they can still be told apart. */
function readLine(bytes: Buffer | null): readonly JournalLine[] {
  if (bytes === null) return [{ kind: "damaged", why: `it is longer than ${LIMITS.journalLineBytes} bytes` }];
  const text = bytes.toString("utf8");
  const line = readJournalLine(text);
  return line.kind === "damaged" ? (splitMergedLines(text) ?? [line]) : [line];
}

async function bytesOf(file: string, fromOffset: number): Promise<AsyncIterable<Buffer>> {
  if (!file.endsWith(".gz")) return createReadStream(file, { start: fromOffset });
  const { readGunzipped } = await import("../base/gunzipped-file.ts");
  const unzipped = readGunzipped(file);
  return fromOffset === 0 ? unzipped : skipBytes(unzipped, fromOffset);
}

async function* skipBytes(chunks: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

export interface LineBytes {
  /** `null` for a line that is too long to be held. */
  readonly bytes: Buffer | null;
  readonly sizeBytes: number;
  readonly isTerminated: boolean;
}

async function* linesIn(chunks: AsyncIterable<Buffer>): AsyncGenerator<LineBytes> {
  let parts: Buffer[] = [];
  let heldBytes = 0;
  const take = (isTerminated: boolean): LineBytes => {
    const isTooLong = heldBytes > LIMITS.journalLineBytes;
    const line = {
      bytes: isTooLong ? null : parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts),
      sizeBytes: heldBytes + (isTerminated ? 1 : 0),
      isTerminated,
    };
    parts = [];
    heldBytes = 0;
    return line;
  };
  const hold = (part: Buffer): void => {
    heldBytes += part.length;
    if (heldBytes > LIMITS.journalLineBytes) parts = [];
    else parts.push(part);
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_BREAK); end !== -1; end = chunk.indexOf(LINE_BREAK, from)) {
      hold(chunk.subarray(from, end));
      from = end + 1;
      yield take(true);
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
  if (heldBytes > 0) yield take(false);
}
