/**
 * Reading a store's whole change log as lines, a batch of whole commands at a time. What the store's log no longer has,
 * because it was old, is read from the journal, which was found to hold it before it went.
 */

import type { Json } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import { LIMITS } from "../domain/limits.ts";
import { findLogBeginning } from "../store/commands/cleanup-log.ts";
import { readJournalHeader, readJournalPage } from "../store/commands/journal-pages.ts";
import type { JournalHeader } from "../store/journal-line.ts";
import { blobsOfChange, changeToLine } from "../store/journal-line.ts";
import type { StoreDep } from "../store/port.ts";
import type { RawChange } from "../store/rebuild.ts";
import { readRawChanges } from "../store/rebuild.ts";
import { ARTIFACTS } from "../store/tables.ts";
import { readJournal } from "../trail/journal-files.ts";
import type { LogBatch, LogLine } from "./sink.ts";

export interface LogReaderDeps extends StoreDep {
  /** Of the journal that stands in for what the store's log no longer has; `null` when there is none. */
  readonly journalDirectory: string | null;
}

/** Something that lines refer to by its hash. */
export interface LogContent {
  readonly hash: string;
  /** `value`: text in the store's blobs. `artifact`: a file. */
  readonly kind: "value" | "artifact";
  /** `null` when it is not known. */
  readonly sizeBytes: number | null;
}

export interface ReadBatch extends LogBatch {
  /** What is to be there before the lines, each once. */
  readonly contents: readonly LogContent[];
  readonly hasMore: boolean;
}

export interface LogReader {
  /** What follows the change `after`; `null` when nothing does. */
  read(after: number): Promise<ReadBatch | null>;
}

const BATCH_CHANGES = 500;
/** Of columns. One command may take more. */
const BATCH_BYTES = 4 << 20;

export function logReader({ store, journalDirectory }: LogReaderDeps): LogReader {
  let header: JournalHeader | null = null;
  let early: EarlyLines | null = null;

  return {
    async read(after) {
      header ??= await store.execute(readJournalHeader, null);
      const cutBefore = await findCut(store, after);
      if (cutBefore !== null && journalDirectory !== null) {
        if (early?.after !== after) early = earlyLines(journalDirectory, after);
        const { lines, large } = await early.next(cutBefore);
        if (lines.length > 0) return toBatch(header, { after, lines, hasMore: true, large });
      }
      early = null;
      const page = await readCommands(store, after);
      if (page.changes.length === 0) return null;
      const findBlob = (hash: string): string | null => page.blobs.get(hash) ?? null;
      const lines = page.changes.map((change, index) => {
        const next = page.changes[index + 1];
        const isEnd = next === undefined || next.part === 0;
        return { change, at: change.at, text: changeToLine(change, { isEnd, findBlob }) };
      });
      return toBatch(header, { after, lines, hasMore: page.hasMore, large: page.large });
    },
  };
}

interface Lines {
  readonly after: number;
  readonly lines: readonly LogLine[];
  readonly hasMore: boolean;
  /** Hashes of the values that do not stand in their lines. */
  readonly large: ReadonlySet<string>;
}

function toBatch(header: JournalHeader, { large, ...batch }: Lines): ReadBatch {
  const contents = new Map<string, LogContent>();
  for (const { change } of batch.lines) {
    for (const hash of blobsOfChange(change)) {
      if (large.has(hash)) contents.set(hash, { hash, kind: "value", sizeBytes: null });
    }
    const artifact = artifactOf(change);
    if (artifact !== null) contents.set(artifact.hash, { ...artifact, kind: "artifact" });
  }
  return { header, ...batch, contents: [...contents.values()] };
}

/** The content of an artifact that a change adds. */
export function artifactOf(change: RawChange): { readonly hash: string; readonly sizeBytes: number | null } | null {
  if (change.entity !== ARTIFACTS.name || change.after === null) return null;
  const columns = JSON.parse(change.after) as Json;
  if (!isJsonObject(columns) || typeof columns.hash !== "string") return null;
  return { hash: columns.hash, sizeBytes: typeof columns.size_bytes === "number" ? columns.size_bytes : null };
}

/** The first change that the store's log has after `after`, if those between are no longer in it; else `null`. */
async function findCut(store: LogReaderDeps["store"], after: number): Promise<number | null> {
  if (after >= (await store.execute(findLogBeginning, null))) return null;
  const [next] = await store.execute(readRawChanges, { after, limit: 1 });
  return next === undefined || next.seq === after + 1 ? null : next.seq;
}

interface Commands {
  readonly changes: readonly RawChange[];
  readonly blobs: ReadonlyMap<string, string>;
  readonly large: ReadonlySet<string>;
  readonly hasMore: boolean;
}

/** Whole commands: as many as fit, or one that does not. */
async function readCommands(store: LogReaderDeps["store"], after: number): Promise<Commands> {
  const changes: RawChange[] = [];
  const blobs = new Map<string, string>();
  const large = new Set<string>();
  for (;;) {
    const page = await store.execute(readJournalPage, {
      after: changes.at(-1)?.seq ?? after,
      limit: BATCH_CHANGES,
      maxBytes: BATCH_BYTES,
      inlineBytes: LIMITS.inlineBytes,
    });
    changes.push(...page.changes);
    for (const [hash, text] of page.blobs) blobs.set(hash, text);
    for (const hash of page.largeBlobs) large.add(hash);
    if (page.endsCommand || page.changes.length === 0) return { changes, blobs, large, hasMore: page.hasMore };
    const last = changes.findLastIndex(({ part }) => part === 0);
    if (last > 0) return { changes: changes.slice(0, last), blobs, large, hasMore: true };
  }
}

interface EarlyLines {
  /** What the next ones follow. */
  readonly after: number;
  /** Of those before the change `before`, with the hashes of values that are kept as files. */
  next(before: number): Promise<{ readonly lines: readonly LogLine[]; readonly large: ReadonlySet<string> }>;
}

/** Whole commands from the journal, a batch at a time. */
function earlyLines(directory: string, from: number): EarlyLines {
  const entries = readJournal(directory);
  let after = from;
  return {
    get after() {
      return after;
    },
    async next(before) {
      const lines: LogLine[] = [];
      const large = new Set<string>();
      for (;;) {
        const { value: entry, done } = await entries.next();
        if (done === true) break;
        if (entry.line.kind !== "change" || entry.line.change.seq <= after) continue;
        const { change, isEnd, blobs, files } = entry.line;
        // The log is cut off between commands, so what was read so far is whole.
        if (change.seq >= before) break;
        const text = changeToLine(change, { isEnd, findBlob: (hash) => blobs.get(hash) ?? null });
        lines.push({ change, at: change.at, text });
        for (const hash of files) large.add(hash);
        if (isEnd && lines.length >= BATCH_CHANGES) break;
      }
      after = lines.at(-1)?.change.seq ?? after;
      return { lines, large };
    },
  };
}
