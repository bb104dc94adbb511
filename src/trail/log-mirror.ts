/**
 * What the journal proves about the change log it mirrors, for whoever removes something of the store: which changes it
 * holds exactly as the store does, and which files its lines cannot do without.
 */

import type { ArtifactFiles } from "../store/artifact-files.ts";
import { readJournalHeader } from "../store/commands/journal-pages.ts";
import type { LogMirror } from "../store/log-mirror.ts";
import type { StoreDep } from "../store/port.ts";
import type { RawChange } from "../store/rebuild.ts";
import { isSameChange, readRawChanges } from "../store/rebuild.ts";
import { listJournalMonths, readJournal } from "./journal-files.ts";

export interface JournalEvidence extends StoreDep {
  /** Of the journal. */
  readonly directory: string;
  readonly artifactFiles: ArtifactFiles;
}

const CHANGES_PER_PAGE = 1_000;

export function journalEvidence(journal: JournalEvidence): LogMirror {
  return {
    mirroredSeq: () => mirroredSeq(journal),
    filesInUse: () => filesInUse(journal),
  };
}

/**
 * Up to where the journal has every change of the store, from the oldest that the store still has: read and compared, for
 * a line may have been lost in the middle since it was written. `null` without a journal, or with that of another store.
 */
async function mirroredSeq({ store, directory, artifactFiles }: JournalEvidence): Promise<number | null> {
  const { projectId } = await store.execute(readJournalHeader, null);
  let mirrored: number | null = null;
  let page: readonly RawChange[] = [];
  let index = 0;
  for await (const { line } of readJournal(directory)) {
    if (line.kind === "header" && line.header.projectId !== projectId) return null;
    if (line.kind !== "change") continue;
    mirrored ??= 0;
    if (index === page.length) {
      page = await store.execute(readRawChanges, { after: mirrored, limit: CHANGES_PER_PAGE });
      index = 0;
    }
    const stored = page[index];
    if (stored === undefined) return mirrored;
    // What the store no longer has.
    if (line.change.seq < stored.seq) continue;
    if (!isSameChange(line.change, stored) || !(await areThere(artifactFiles, line.files))) return mirrored;
    mirrored = stored.seq;
    index += 1;
  }
  return mirrored;
}

async function areThere(artifactFiles: ArtifactFiles, hashes: readonly string[]): Promise<boolean> {
  for (const hash of hashes) if (!(await artifactFiles.has(hash))) return false;
  return true;
}

/** A damaged line may refer to anything, so one alone leaves nothing to be told. */
async function filesInUse({ directory }: JournalEvidence): Promise<ReadonlySet<string> | null> {
  const hashes = new Set<string>();
  if ((await listJournalMonths(directory)).length === 0) return null;
  for await (const { line, isTerminated } of readJournal(directory)) {
    if (line.kind === "damaged" && isTerminated) return null;
    if (line.kind === "change") for (const hash of line.files) hashes.add(hash);
  }
  return hashes;
}
