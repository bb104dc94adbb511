/**
 * Copies a store's change log into a sink, a batch at a time. Where the sink stands is read from the sink alone, so whoever
 * comes after a crash goes on from there, and of two who copy at once each change is appended by one.
 */

import { PerdureError } from "../base/errors.ts";
import { monotonicMs } from "../base/stopwatch.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import { findLogBeginning } from "../store/commands/cleanup-log.ts";
import { readBlobText, readJournalHeader } from "../store/commands/journal-pages.ts";
import type { RawChange } from "../store/rebuild.ts";
import { readRawChanges } from "../store/rebuild.ts";
import type { LogContent, LogReaderDeps } from "./log-reader.ts";
import { logReader } from "./log-reader.ts";
import type { Sink } from "./sink.ts";

export interface LogCopierDeps extends LogReaderDeps {
  readonly artifactFiles: ArtifactFiles;
  readonly sink: Sink;
  /** Larger artifacts are left out. */
  readonly maxArtifactBytes: number;
}

export interface Copied {
  /** The last change the sink holds; 0 when it is empty. */
  readonly lastSeq: number;
  readonly isCaughtUp: boolean;
  /** What it took to read from the store, which others use too. */
  readonly readingMs: number;
}

export interface LogCopier {
  /**
   * Appends what comes next.
   *
   * @throws PerdureError `conflict` when the sink is of another store, or tells another story; nothing is written to it
   * then; `store-unreachable`
   */
  copy(): Promise<Copied>;
}

export function logCopier(deps: LogCopierDeps): LogCopier {
  const { sink } = deps;
  const reader = logReader(deps);
  /** Where the sink ends; `null` when it has to be asked. */
  let lastSeq: number | null = null;
  /** Where it was said to end when it did not. */
  let refusedAt: number | null = null;

  return {
    async copy() {
      const after = lastSeq ?? (await findProvenEnd(deps));
      if (after === refusedAt) throw contradictory(sink, after);
      lastSeq = after;
      const startedAt = monotonicMs();
      const batch = await reader.read(after);
      const readingMs = monotonicMs() - startedAt;
      if (batch === null) return { lastSeq: after, isCaughtUp: true, readingMs };
      for (const content of batch.contents) await bring(deps, content);
      // Unknown until it is told.
      lastSeq = null;
      const outcome = await sink.append(batch);
      refusedAt = outcome === "moved" ? after : null;
      if (outcome === "moved") return { lastSeq: after, isCaughtUp: false, readingMs };
      lastSeq = batch.lines.at(-1)?.change.seq ?? after;
      return { lastSeq, isCaughtUp: !batch.hasMore, readingMs };
    },
  };
}

/**
 * The last change a sink holds, 0 for an empty one, once it is known to be one of this store's.
 *
 * @throws PerdureError `conflict` when it is not
 */
export async function findProvenEnd({ store, sink }: Pick<LogCopierDeps, "store" | "sink">): Promise<number> {
  const { header, last } = await sink.end();
  if (last === null) return 0;
  if (header === null) throw foreign(sink, "does not say whose it is");
  const { projectId } = await store.execute(readJournalHeader, null);
  if (header.projectId !== projectId) throw foreign(sink, "holds the log of another project");
  const [stored] = await store.execute(readRawChanges, { after: last.seq - 1, limit: 1 });
  if (stored === undefined) throw foreign(sink, `goes on to change ${last.seq}, further than the store`);
  // What the store's log no longer has is in the journal alone.
  if (stored.seq > last.seq && last.seq <= (await store.execute(findLogBeginning, null))) return last.seq;
  if (!isSameStory(stored, last)) throw foreign(sink, `tells change ${last.seq} otherwise than the store`);
  return last.seq;
}

function isSameStory(one: RawChange, other: RawChange): boolean {
  return (["seq", "at", "actor", "verb", "entity", "rowKey"] as const).every((name) => one[name] === other[name]);
}

async function bring(
  { store, artifactFiles, sink, maxArtifactBytes }: LogCopierDeps,
  { hash, kind, sizeBytes }: LogContent,
): Promise<void> {
  if (kind === "artifact" && (sizeBytes ?? 0) > maxArtifactBytes) return;
  if (await sink.hasContent(hash)) return;
  const text = kind === "value" ? await store.execute(readBlobText, { hash }) : null;
  if (text !== null) await sink.putContent(hash, oneChunk(text));
  // A large value the store no longer has is kept as a file. What is nowhere cannot be brought, and a restore names it.
  else if (await artifactFiles.has(hash)) await sink.putContent(hash, await artifactFiles.open(hash));
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** What two who append at once see passes; what stays is damage. */
function contradictory({ place }: Sink, after: number): PerdureError {
  return new PerdureError("store-damaged", {
    message: `The copy of the log in ${place} is damaged: it ends at change ${after} and takes nothing after it`,
    hint: "Name another place in perdure.yaml; the store has everything.",
    details: { place },
  });
}

function foreign({ place }: Sink, what: string): PerdureError {
  return new PerdureError("conflict", {
    message: `The copy of the log in ${place} ${what}; nothing is written to it`,
    hint: "If the store was lost or replaced, `perdure restore` makes it again from the copy, in an empty project. Otherwise name another place in perdure.yaml.",
    details: { place },
  });
}
