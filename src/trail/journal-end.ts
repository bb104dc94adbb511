/**
 * Where the journal ends: what its last change is, and how much of the newest file is whole. Found by reading that file
 * from its end, so it takes as long for a large journal as for a small one.
 */

import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";

import { LIMITS } from "../domain/limits.ts";
import type { JournalHeader } from "../store/journal-line.ts";
import { readJournalLine } from "../store/journal-line.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { JournalMonth } from "./journal-files.ts";
import { listJournalMonths, readJournalFile } from "./journal-files.ts";

export interface JournalEnd {
  /** The newest there is a file of; `null` when there is no journal. */
  readonly month: string | null;
  /** The plain file of that month; `null` when it is compressed. */
  readonly file: string | null;
  /** Of that file. */
  readonly sizeBytes: number;
  /** Up to the last line break: what stands behind it was torn off while it was written. */
  readonly wholeBytes: number;
  /** Whose the newest file is; `null` when it does not say. */
  readonly header: JournalHeader | null;
  /** The last change that can be read, wherever it is; `null` when there is none. */
  readonly last: RawChange | null;
  /** As `wholeBytes`, up to the last line that ends its command: a command without its end is being written, or was cut off. */
  readonly commandBytes: number;
  /** The last change that ends its command, wherever it is; `null` when there is none. */
  readonly lastEnd: RawChange | null;
}

const EMPTY: JournalEnd = {
  month: null,
  file: null,
  sizeBytes: 0,
  wholeBytes: 0,
  header: null,
  last: null,
  commandBytes: 0,
  lastEnd: null,
};

export async function findJournalEnd(directory: string): Promise<JournalEnd> {
  const months = (await listJournalMonths(directory)).toReversed();
  const [newest] = months;
  if (newest === undefined) return EMPTY;
  let end = await endOf(newest);
  for (const month of months.slice(1)) {
    if (end.lastEnd !== null) break;
    const { header, last, lastEnd } = await endOf(month);
    end = { ...end, header: end.header ?? header, last: end.last ?? last, lastEnd };
  }
  return end;
}

async function endOf({ month, plain, compressed }: JournalMonth): Promise<JournalEnd> {
  if (plain !== null) return { ...(await plainEnd(plain)), month, file: plain };
  return { ...EMPTY, ...(compressed === null ? {} : await compressedEnd(compressed)), month };
}

async function compressedEnd(file: string): Promise<Pick<JournalEnd, "header" | "last" | "lastEnd">> {
  let header: JournalHeader | null = null;
  let last: RawChange | null = null;
  let lastEnd: RawChange | null = null;
  for await (const { line } of readJournalFile(file)) {
    if (line.kind === "header") header = line.header;
    if (line.kind !== "change") continue;
    last = line.change;
    if (line.isEnd) lastEnd = line.change;
  }
  return { header, last, lastEnd };
}

async function plainEnd(file: string): Promise<Omit<JournalEnd, "month" | "file">> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    let wholeBytes: number | null = null;
    let commandBytes = 0;
    let last: RawChange | null = null;
    let lastEnd: RawChange | null = null;
    for await (const { text, endOffset } of linesBackwards(handle, size)) {
      wholeBytes ??= endOffset;
      const line = readJournalLine(text);
      commandBytes = endOffset;
      if (line.kind !== "change") continue;
      last ??= line.change;
      if (!line.isEnd) continue;
      lastEnd = line.change;
      break;
    }
    // Without one in this file, what it begins with stays: its header.
    return {
      sizeBytes: size,
      wholeBytes: wholeBytes ?? 0,
      header: await headerOf(handle),
      last,
      commandBytes,
      lastEnd,
    };
  } finally {
    await handle.close();
  }
}

const LINE_BREAK = 0x0a;
const BLOCK_BYTES = 64 << 10;

/** The whole lines of a file, the last first, each with the offset behind its break. */
async function* linesBackwards(
  handle: FileHandle,
  size: number,
): AsyncGenerator<{ readonly text: string; readonly endOffset: number }> {
  // What is held begins at `from`. Its first line may begin before that, and is kept until it is all there.
  let from = size;
  let held = Buffer.alloc(0);
  while (from > 0 && held.length <= LIMITS.journalLineBytes) {
    // Ever larger, so that a long line is not copied over and over.
    const count = Math.min(from, Math.max(BLOCK_BYTES, held.length));
    const block = Buffer.alloc(count);
    await handle.read(block, 0, count, from - count);
    held = Buffer.concat([block, held]);
    from -= count;
    let end = held.lastIndexOf(LINE_BREAK);
    while (end !== -1) {
      const start = end === 0 ? -1 : held.lastIndexOf(LINE_BREAK, end - 1);
      if (start === -1 && from > 0) break;
      yield { text: held.toString("utf8", start + 1, end), endOffset: from + end + 1 };
      end = start;
    }
    if (end === -1 && from === 0) return;
    held = held.subarray(0, end + 1);
  }
}

async function headerOf(handle: FileHandle): Promise<JournalHeader | null> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, 0);
  const end = buffer.subarray(0, bytesRead).indexOf(LINE_BREAK);
  const line = end === -1 ? null : readJournalLine(buffer.toString("utf8", 0, end));
  return line?.kind === "header" ? line.header : null;
}
