/** The copy of the change log that the journal's files hold: every line whose checksum is right. */

import { listJournalMonths, readJournal } from "../trail/journal-files.ts";
import type { JournalHeader } from "../store/journal-line.ts";
import type { RawChange } from "../store/rebuild.ts";

export interface MirrorCopy {
  /** There are files at all. */
  readonly exists: boolean;
  /** The newest one. */
  readonly header: JournalHeader | null;
  readonly changes: ReadonlyMap<number, RawChange>;
  /** Of changes that end their command. */
  readonly ends: ReadonlySet<number>;
  readonly blobs: ReadonlyMap<string, string>;
  /** Hashes of the values that its lines leave to files. */
  readonly files: ReadonlySet<string>;
  readonly damaged: readonly { readonly file: string; readonly lineNumber: number; readonly why: string }[];
  /** A last line broken off, as a killed process leaves it: no damage, it is cut and written again. */
  readonly isTorn: boolean;
}

export async function readMirror(directory: string): Promise<MirrorCopy> {
  const changes = new Map<number, RawChange>();
  const ends = new Set<number>();
  const blobs = new Map<string, string>();
  const files = new Set<string>();
  const damaged: { file: string; lineNumber: number; why: string }[] = [];
  let header: JournalHeader | null = null;
  let isTorn = false;
  const months = await listJournalMonths(directory);
  const lastFile = months.at(-1)?.plain ?? null;
  for await (const { file, lineNumber, isTerminated, line } of readJournal(directory)) {
    if (line.kind === "damaged") {
      isTorn = !isTerminated && file === lastFile;
      if (!isTorn) damaged.push({ file, lineNumber, why: line.why });
    } else if (line.kind === "header") {
      header = line.header;
      if (lineNumber !== 1) damaged.push({ file, lineNumber, why: "a header stands where a change belongs" });
    } else {
      const { change } = line;
      if (lineNumber === 1) damaged.push({ file, lineNumber: 1, why: "the header is missing" });
      changes.set(change.seq, change);
      if (line.isEnd) ends.add(change.seq);
      for (const [hash, text] of line.blobs) blobs.set(hash, text);
      for (const hash of line.files) files.add(hash);
    }
  }
  return { exists: months.length > 0, header, changes, ends, blobs, files, damaged, isTorn };
}

/** What can be told of the journal without holding what it says. */
export async function readMirrorState(
  directory: string,
): Promise<Pick<MirrorCopy, "exists" | "damaged"> & { readonly newest: number }> {
  const damaged: MirrorCopy["damaged"][number][] = [];
  let newest = 0;
  const months = await listJournalMonths(directory);
  const lastFile = months.at(-1)?.plain ?? null;
  for await (const { file, lineNumber, isTerminated, line } of readJournal(directory)) {
    if (line.kind === "change") newest = Math.max(newest, line.change.seq);
    else if (line.kind === "damaged" && (isTerminated || file !== lastFile))
      damaged.push({ file, lineNumber, why: line.why });
  }
  return { exists: months.length > 0, damaged, newest };
}
