/** Writes a session into one file. */

import { PerdureError } from "../base/errors.ts";
import type { RandomDep } from "../base/random.ts";
import { sha256 } from "../base/sha256.ts";
import type { SessionId } from "../domain/ids.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { SessionRows } from "../store/commands/export-session.ts";
import { readSessionHistory, readSessionRows } from "../store/commands/export-session.ts";
import { readBlobText } from "../store/commands/journal-pages.ts";
import { blobsOfChange } from "../store/journal-line.ts";
import type { StoreDep } from "../store/port.ts";
import { ARTIFACTS, ENVIRONMENTS, tableOf } from "../store/tables.ts";
import { blobHashOf } from "../store/values.ts";
import { writeNewFile } from "./new-file.ts";
import type { SessionFileCounts, SessionFileHeader, SessionFileLine } from "./session-file-lines.ts";
import { sessionFileLine } from "./session-file-lines.ts";

export interface WriteSessionFile {
  readonly sessionId: SessionId;
  /** Compressed when it ends in `.gz`. Must not be there yet. */
  readonly path: string;
  readonly header: Omit<SessionFileHeader, "hasHistory">;
}

export interface WrittenSessionFile {
  readonly counts: SessionFileCounts;
  /** Hashes of artifacts whose content is gone or damaged: what is said of them is in the file, they themselves are not. */
  readonly missingArtifacts: readonly string[];
  readonly hasHistory: boolean;
}

interface Deps extends StoreDep, RandomDep {
  readonly artifactFiles: ArtifactFiles;
}

/** @throws PerdureError `conflict` when the file is there; `invalid-input` when it cannot be written */
export async function writeSessionFile(deps: Deps, input: WriteSessionFile): Promise<WrittenSessionFile> {
  const { path } = input;
  const written = {
    counts: { rows: 0, changes: 0, blobs: 0, artifacts: 0 },
    missing: [] as string[],
    hasHistory: false,
  };
  await writeNewFile(deps, { path, lines: sealed(linesOf(deps, input, written), written.counts) });
  return { counts: written.counts, missingArtifacts: written.missing, hasHistory: written.hasHistory };
}

type Counts = { -readonly [Key in keyof SessionFileCounts]: SessionFileCounts[Key] };

const COUNTED: Readonly<Partial<Record<SessionFileLine["kind"], keyof Counts>>> = {
  row: "rows",
  change: "changes",
  blob: "blobs",
  artifact: "artifacts",
};

/** The lines as text, and the last one that says what there was. Counts into `counts`. */
async function* sealed(lines: AsyncIterable<SessionFileLine>, counts: Counts): AsyncGenerator<string> {
  const hash = sha256();
  for await (const line of lines) {
    const counted = COUNTED[line.kind];
    if (counted !== undefined) counts[counted] += 1;
    const text = `${sessionFileLine(line)}\n`;
    hash.update(text);
    yield text;
  }
  yield `${sessionFileLine({ kind: "end", counts, sha256: hash.digest("hex") })}\n`;
}

/** Changes read at once. */
const PAGE = 500;

async function* linesOf(
  deps: Deps,
  { sessionId, header }: WriteSessionFile,
  written: { missing: string[]; hasHistory: boolean },
): AsyncGenerator<SessionFileLine> {
  const { store } = deps;
  const session = await store.execute(readSessionRows, { sessionId });
  written.hasHistory = session.hasWholeHistory;
  yield { kind: "header", header: { ...header, hasHistory: session.hasWholeHistory } };
  const hashes = new Set<string>();
  for (const [table, rows] of [[ENVIRONMENTS.name, session.environments] as const, ...session.rows]) {
    for (const values of rows) {
      for (const column of tableOf(table)?.json ?? []) addTo(hashes, blobHashOf(values[column]));
      yield { kind: "row", table, values };
    }
  }
  if (session.hasWholeHistory) {
    for (let after = 0; ;) {
      const page = await store.execute(readSessionHistory, { sessionId, after, upTo: session.position, limit: PAGE });
      for (const change of page) {
        for (const hash of blobsOfChange(change)) hashes.add(hash);
        yield { kind: "change", change };
      }
      if (page.length < PAGE) break;
      after = page.at(-1)?.seq ?? session.position;
    }
  }
  for (const hash of hashes) {
    const text = await store.execute(readBlobText, { hash });
    if (text === null) throw missingBlob(hash);
    yield { kind: "blob", hash, text };
  }
  yield* artifactLines(deps, session, written.missing);
}

function addTo(hashes: Set<string>, hash: string | null): void {
  if (hash !== null) hashes.add(hash);
}

function missingBlob(hash: string): PerdureError {
  return new PerdureError("store-damaged", {
    message: `The session refers to blob ${hash}, which is missing`,
    hint: "Run `perdure doctor` to check the store.",
    details: { hash },
  });
}

/** A multiple of three, so that no line but the last is padded. */
const PIECE_BYTES = 3 << 16;

async function* artifactLines(
  { artifactFiles }: Deps,
  { rows }: SessionRows,
  missing: string[],
): AsyncGenerator<SessionFileLine> {
  const artifacts = rows.find(([table]) => table === ARTIFACTS.name)?.[1] ?? [];
  for (const hash of new Set(artifacts.map((row) => String(row.hash)))) {
    const sizeBytes = await soundSize(artifactFiles, hash);
    if (sizeBytes === null) {
      missing.push(hash);
      continue;
    }
    yield { kind: "artifact", hash, sizeBytes };
    let rest = Buffer.alloc(0);
    for await (const chunk of (await artifactFiles.open(hash)) as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= PIECE_BYTES) {
        yield { kind: "data", bytes: rest.subarray(0, PIECE_BYTES) };
        rest = rest.subarray(PIECE_BYTES);
      }
    }
    if (rest.length > 0) yield { kind: "data", bytes: rest };
  }
}

/** The size of an artifact whose content is there and is what its name says; else `null`. */
async function soundSize(artifactFiles: ArtifactFiles, name: string): Promise<number | null> {
  if (!(await artifactFiles.has(name))) return null;
  const hash = sha256();
  let sizeBytes = 0;
  for await (const chunk of (await artifactFiles.open(name)) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return hash.digest("hex") === name ? sizeBytes : null;
}
