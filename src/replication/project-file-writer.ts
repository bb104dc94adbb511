/** Writes a whole project into one file, from which it can be made again in any kind of store. */

import { sha256 } from "../base/sha256.ts";
import type { RandomDep } from "../base/random.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import { readBlobText, readJournalHeader } from "../store/commands/journal-pages.ts";
import { headerToLine } from "../store/journal-line.ts";
import { writeNewFile } from "../trail/new-file.ts";
import type { LogContent, LogReaderDeps } from "./log-reader.ts";
import { logReader } from "./log-reader.ts";
import type { ProjectFileEnd } from "./project-file-lines.ts";
import { contentToLine, endToLine } from "./project-file-lines.ts";
import { readStateDigest } from "./state-digest.ts";

export interface WriteProjectFileDeps extends LogReaderDeps, RandomDep {
  readonly artifactFiles: ArtifactFiles;
}

export interface WrittenProjectFile extends Omit<ProjectFileEnd, "sha256"> {
  /** Hashes of what is gone: what is said of it is in the file, it itself is not. */
  readonly missing: readonly string[];
}

/** Compressed when the path ends in `.gz`. @throws PerdureError `conflict` when the file is there; `invalid-input` when it cannot be written */
export async function writeProjectFile(deps: WriteProjectFileDeps, path: string): Promise<WrittenProjectFile> {
  const written = { changes: 0, contents: 0, lastSeq: null as number | null, missing: [] as string[] };
  const ended: { state: ProjectFileEnd["state"] } = { state: null };
  await writeNewFile(deps, { path, lines: linesOf(deps, written, ended) });
  return { ...written, ...ended };
}

interface Counts {
  changes: number;
  contents: number;
  lastSeq: number | null;
  readonly missing: string[];
}

async function* linesOf(
  deps: WriteProjectFileDeps,
  written: Counts,
  ended: { state: ProjectFileEnd["state"] },
): AsyncGenerator<string> {
  const hash = sha256();
  for await (const line of bodyOf(deps, written)) {
    const text = `${line}\n`;
    hash.update(text);
    yield text;
  }
  const state = await readStateDigest(deps.store);
  // What was written since the last line is not in the file, and what the tables come to is of no use then.
  ended.state = state?.seq === (written.lastSeq ?? 0) ? state : null;
  const { changes, contents, lastSeq } = written;
  yield `${endToLine({ changes, contents, lastSeq, sha256: hash.digest("hex"), state: ended.state })}\n`;
}

async function* bodyOf(deps: WriteProjectFileDeps, written: Counts): AsyncGenerator<string> {
  yield headerToLine(await deps.store.execute(readJournalHeader, null));
  const reader = logReader(deps);
  const known = new Set<string>();
  for (let after = 0; ;) {
    const batch = await reader.read(after);
    if (batch === null) return;
    for (const content of batch.contents) {
      if (known.has(content.hash)) continue;
      known.add(content.hash);
      yield* contentLines(deps, content, written);
    }
    for (const { text } of batch.lines) yield text;
    written.changes += batch.lines.length;
    after = batch.lines.at(-1)?.change.seq ?? after;
    written.lastSeq = after;
  }
}

/** A multiple of three, so that no piece but the last is padded. */
const PIECE_BYTES = 3 << 16;

async function* contentLines(
  { store, artifactFiles }: WriteProjectFileDeps,
  { hash, kind }: LogContent,
  written: Counts,
): AsyncGenerator<string> {
  const text = kind === "value" ? await store.execute(readBlobText, { hash }) : null;
  const isFile = text === null && (await isSound(artifactFiles, hash));
  if (text === null && !isFile) {
    written.missing.push(hash);
    return;
  }
  written.contents += 1;
  const chunks = text === null ? ((await artifactFiles.open(hash)) as AsyncIterable<Buffer>) : [Buffer.from(text)];
  let offset = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= PIECE_BYTES; rest = rest.subarray(PIECE_BYTES)) {
      yield contentToLine({ hash, offset, bytes: rest.subarray(0, PIECE_BYTES) });
      offset += PIECE_BYTES;
    }
  }
  // Also of one that is empty, so that it is there.
  if (rest.length > 0 || offset === 0) yield contentToLine({ hash, offset, bytes: rest });
}

async function isSound(artifactFiles: ArtifactFiles, name: string): Promise<boolean> {
  if (!(await artifactFiles.has(name))) return false;
  const hash = sha256();
  for await (const chunk of (await artifactFiles.open(name)) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest("hex") === name;
}
