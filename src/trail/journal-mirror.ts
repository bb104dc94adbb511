/**
 * The journal as a mirror of a store's change log: appends what is new, a batch at a time. Where it stands is read from its
 * last line, so whoever comes after a crash goes on from there. The store is the truth: what is torn off at the end of the
 * journal is cut and written again.
 */

import { mkdir, open, stat } from "node:fs/promises";
import { join } from "node:path";

import { PerdureError } from "../base/errors.ts";
import { syncDirectory } from "../base/atomic-file.ts";
import { LIMITS } from "../domain/limits.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { JournalPage } from "../store/commands/journal-pages.ts";
import { readBlobText, readJournalHeader, readJournalPage } from "../store/commands/journal-pages.ts";
import { changeToLine, headerToLine } from "../store/journal-line.ts";
import type { Store } from "../store/port.ts";
import type { RawChange } from "../store/rebuild.ts";
import { readRawChanges } from "../store/rebuild.ts";
import type { JournalEnd } from "./journal-end.ts";
import { findJournalEnd } from "./journal-end.ts";
import { plainName } from "./journal-files.ts";
import type { JournalPiece, NewestFile, NewLine } from "./journal-placing.ts";
import { placeLines } from "./journal-placing.ts";

export interface JournalMirrorDeps {
  readonly store: Store;
  /** Made when it is not there. */
  readonly directory: string;
  /** Where values over `LIMITS.inlineBytes` go. */
  readonly artifactFiles: ArtifactFiles;
}

export interface Mirrored {
  /** What was appended, and is durable. */
  readonly changes: readonly RawChange[];
  readonly isCaughtUp: boolean;
  /** Whether the month before is over: its file is no longer the newest. */
  readonly beganMonth: boolean;
}

export interface JournalMirror {
  /**
   * Appends up to `limit` changes. Only one process may be in it at a time.
   *
   * @throws PerdureError `conflict` when the journal is not of this store; nothing is written to it then.
   */
  append(limit: number): Promise<Mirrored>;
}

/** Of columns, in one batch. */
const BATCH_BYTES = 4 << 20;

/** Where the journal stands, as long as nobody else writes to it. */
interface Position {
  readonly newest: (NewestFile & { readonly sizeBytes: number }) | null;
  readonly lastSeq: number;
}

export function journalMirror({ store, directory, artifactFiles }: JournalMirrorDeps): JournalMirror {
  let known: Position | null = null;
  let headerLine: string | null = null;

  async function position(): Promise<Position> {
    if (known !== null && (await isStill(directory, known))) return known;
    const end = await findJournalEnd(directory);
    await refuseForeign(store, directory, end);
    await cutTornEnd(end);
    return (known = positionAt(end));
  }

  return {
    async append(limit) {
      const from = await position();
      const page = await store.execute(readJournalPage, {
        after: from.lastSeq,
        limit,
        maxBytes: BATCH_BYTES,
        inlineBytes: LIMITS.inlineBytes,
      });
      if (page.changes.length === 0) return { changes: [], isCaughtUp: true, beganMonth: false };
      headerLine ??= headerToLine(await store.execute(readJournalHeader, null));
      await keepLargeValues({ store, artifactFiles }, page.largeBlobs);
      // Unknown until all of it is written.
      known = null;
      await mkdir(directory, { recursive: true });
      const pieces = placeLines(linesOf(page), { newest: from.newest, headerLine });
      let sizeBytes = 0;
      for (const piece of pieces) sizeBytes = await appendPiece(directory, piece);
      if (pieces.some(({ month }) => month !== from.newest?.month)) await syncDirectory(directory);
      const month = pieces.at(-1)?.month ?? "";
      known = {
        newest: { month, isCompressed: false, isEmpty: false, sizeBytes },
        lastSeq: page.changes.at(-1)?.seq ?? from.lastSeq,
      };
      return {
        changes: page.changes,
        isCaughtUp: !page.hasMore,
        beganMonth: from.newest !== null && from.newest.month !== month,
      };
    },
  };
}

function positionAt(end: JournalEnd): Position {
  const { month, file, wholeBytes, last } = end;
  const newest =
    month === null
      ? null
      : { month, isCompressed: file === null, isEmpty: file !== null && wholeBytes === 0, sizeBytes: wholeBytes };
  return { newest, lastSeq: last?.seq ?? 0 };
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

function linesOf({ changes, blobs, endsCommand }: JournalPage): readonly NewLine[] {
  const findBlob = (hash: string): string | null => blobs.get(hash) ?? null;
  return changes.map((change, index) => {
    const next = changes[index + 1];
    const isEnd = next === undefined ? endsCommand : next.part === 0;
    return { at: change.at, text: changeToLine(change, { isEnd, findBlob }) };
  });
}

/** Before the lines that refer to them, so that no line refers to nothing. */
async function keepLargeValues(
  { store, artifactFiles }: Pick<JournalMirrorDeps, "store" | "artifactFiles">,
  hashes: readonly string[],
): Promise<void> {
  for (const hash of hashes) {
    if (await artifactFiles.has(hash)) continue;
    const text = await store.execute(readBlobText, { hash });
    if (text !== null) await artifactFiles.putBytes(Buffer.from(text));
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

async function cutTornEnd({ file, sizeBytes, wholeBytes }: JournalEnd): Promise<void> {
  if (file === null || sizeBytes === wholeBytes) return;
  const handle = await open(file, "r+");
  try {
    await handle.truncate(wholeBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A journal that tells another story than the store is left alone: it may be all there is left of it. */
async function refuseForeign(store: Store, directory: string, { header, last }: JournalEnd): Promise<void> {
  if (header !== null) {
    const { projectId } = await store.execute(readJournalHeader, null);
    if (header.projectId !== projectId) throw foreign(directory, "belongs to another store");
  }
  if (last === null) return;
  const [stored] = await store.execute(readRawChanges, { after: last.seq - 1, limit: 1 });
  if (stored === undefined) throw foreign(directory, `goes on to change ${last.seq}, further than the store`);
  // What was removed from the store's log, because it was old, is in the journal alone.
  if (stored.seq > last.seq) return;
  const isSame = (["at", "actor", "verb", "entity", "rowKey"] as const).every((name) => stored[name] === last[name]);
  if (!isSame) throw foreign(directory, `tells change ${last.seq} otherwise than the store`);
}

function foreign(directory: string, what: string): PerdureError {
  return new PerdureError("conflict", {
    message: `The journal in ${directory} ${what}; nothing is written to it`,
    hint: "If the store was lost or replaced, `perdure repair` rebuilds it from the journal. Otherwise move the journal away; a new one is written.",
    details: { directory },
  });
}
