/**
 * The journal as a mirror of a store's change log: appends what is new, a batch at a time. Where it stands is read from its
 * last line, so whoever comes after a crash goes on from there. The store is the truth: what is torn off at the end of the
 * journal is cut and written again.
 */

import { PerdureError } from "../base/errors.ts";
import { LIMITS } from "../domain/limits.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { JournalPage } from "../store/commands/journal-pages.ts";
import { readBlobText, readJournalHeader, readJournalPage } from "../store/commands/journal-pages.ts";
import { changeToLine, headerToLine } from "../store/journal-line.ts";
import type { Store } from "../store/port.ts";
import type { RawChange } from "../store/rebuild.ts";
import { readRawChanges } from "../store/rebuild.ts";
import type { NewLine } from "./journal-placing.ts";
import type { WriterEnd } from "./journal-writer.ts";
import { journalWriter } from "./journal-writer.ts";

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

export function journalMirror({ store, directory, artifactFiles }: JournalMirrorDeps): JournalMirror {
  const writer = journalWriter({ directory, keepsWhole: "lines" });
  /** What it ended with when it was found to be of this store, or was written by this mirror. */
  let proven: RawChange | null = null;
  let headerLine: string | null = null;

  async function lastSeq(): Promise<number> {
    const end = await writer.end();
    if (end.last !== proven || proven === null) {
      await refuseForeign(store, directory, end);
      await writer.cut();
      proven = (await writer.end()).last;
    }
    return end.last?.seq ?? 0;
  }

  return {
    async append(limit) {
      const page = await store.execute(readJournalPage, {
        after: await lastSeq(),
        limit,
        maxBytes: BATCH_BYTES,
        inlineBytes: LIMITS.inlineBytes,
      });
      const last = page.changes.at(-1);
      if (last === undefined) return { changes: [], isCaughtUp: true, beganMonth: false };
      headerLine ??= headerToLine(await store.execute(readJournalHeader, null));
      await keepLargeValues({ store, artifactFiles }, page.largeBlobs);
      const { beganMonth } = await writer.append({ lines: linesOf(page), headerLine, last });
      proven = last;
      return { changes: page.changes, isCaughtUp: !page.hasMore, beganMonth };
    },
  };
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

/** A journal that tells another story than the store is left alone: it may be all there is left of it. */
async function refuseForeign(store: Store, directory: string, { header, last }: WriterEnd): Promise<void> {
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
