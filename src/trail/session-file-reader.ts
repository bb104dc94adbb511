/** Reads a session's file: once to see that it is whole and sound, and once more to unpack what is large. */

import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";

import { messageOf, PerdureError } from "../base/errors.ts";
import { readGunzipped } from "../base/gunzipped-file.ts";
import { sha256 } from "../base/sha256.ts";
import type { Row } from "../store/command.ts";
import type { RawChange } from "../store/rebuild.ts";
import { ENVIRONMENTS } from "../store/tables.ts";
import type { SessionFileCounts, SessionFileHeader, SessionFileLine } from "./session-file-lines.ts";
import { damagedFile, MOST_LINE_BYTES, readSessionFileLine } from "./session-file-lines.ts";

export interface SessionFile {
  readonly header: SessionFileHeader;
  /** By table, in the order of the file. */
  readonly rows: readonly (readonly [table: string, rows: readonly Row[]])[];
  readonly environments: readonly Row[];
  /** `null` when the file has none. */
  readonly history: readonly RawChange[] | null;
  readonly counts: SessionFileCounts;
}

/**
 * Everything but blobs and artifacts, which are only looked through. `schemaVersion` is the newest that is known here.
 *
 * @throws PerdureError `invalid-input` for a file that is not whole, or not what was written; `store-too-new`; `not-found`; `unsupported`
 */
export async function readSessionFile(
  path: string,
  { schemaVersion }: { readonly schemaVersion: number },
): Promise<SessionFile> {
  const rows = new Map<string, Row[]>();
  const history: RawChange[] = [];
  const counts = { rows: 0, changes: 0, blobs: 0, artifacts: 0 };
  const hash = sha256();
  let header: SessionFileHeader | null = null;
  let artifact: OpenArtifact | null = null;
  let end: Extract<SessionFileLine, { kind: "end" }> | null = null;
  for await (const { line, text } of linesIn(path)) {
    if (end !== null) throw damagedFile("it goes on behind its end");
    if (line.kind !== "data") artifact = closeArtifact(artifact);
    if (line.kind === "end") {
      end = line;
      continue;
    }
    hash.update(text);
    hash.update("\n");
    switch (line.kind) {
      case "header":
        if (header !== null) throw damagedFile("it begins twice");
        header = line.header;
        if (header.schemaVersion > schemaVersion) throw tooNew(path, header, schemaVersion);
        break;
      case "row": {
        const ofTable = rows.get(line.table);
        if (ofTable === undefined) rows.set(line.table, [line.values]);
        else ofTable.push(line.values);
        counts.rows += 1;
        break;
      }
      case "change":
        history.push(line.change);
        counts.changes += 1;
        break;
      case "blob":
        if (sha256().update(line.text).digest("hex") !== line.hash)
          throw damagedFile(`blob ${line.hash} is another one`);
        counts.blobs += 1;
        break;
      case "artifact":
        artifact = { ...line, content: sha256(), left: line.sizeBytes };
        counts.artifacts += 1;
        break;
      case "data":
        if (artifact === null) throw damagedFile("it holds content of nothing");
        artifact.content.update(line.bytes);
        artifact.left -= line.bytes.length;
        break;
    }
  }
  if (header === null || end === null) throw damagedFile("its end is missing");
  if (end.sha256 !== hash.digest("hex")) throw damagedFile("its checksum does not fit");
  if (JSON.stringify(end.counts) !== JSON.stringify(counts)) throw damagedFile("its counts do not fit");
  const environments = rows.get(ENVIRONMENTS.name) ?? [];
  rows.delete(ENVIRONMENTS.name);
  return { header, rows: [...rows], environments, history: header.hasHistory ? history : null, counts };
}

function tooNew(path: string, header: SessionFileHeader, supported: number): PerdureError {
  return new PerdureError("store-too-new", {
    message: `The file ${path} was written by Perdure ${header.perdureVersion} with schema version ${header.schemaVersion}; this Perdure knows up to ${supported}`,
    hint: "Update Perdure (npm install perdure@latest); nothing was changed.",
    details: { path, version: header.schemaVersion, supported },
  });
}

interface OpenArtifact {
  readonly hash: string;
  readonly content: ReturnType<typeof sha256>;
  left: number;
}

function closeArtifact(artifact: OpenArtifact | null): null {
  if (artifact !== null && (artifact.left !== 0 || artifact.content.digest("hex") !== artifact.hash))
    throw damagedFile(`artifact ${artifact.hash} is another one`);
  return null;
}

export interface Unpack {
  /** A file of this name is written and may be taken away. */
  readonly temporary: string;
  onBlob(hash: string, text: string): Promise<void>;
  /** The content of the artifact lies at `temporary`. */
  onArtifact(hash: string): Promise<void>;
}

/** Hands over the large things in a file that was found sound. */
export async function unpackSessionFile(path: string, { temporary, onBlob, onArtifact }: Unpack): Promise<void> {
  let artifact: { readonly hash: string; readonly file: Awaited<ReturnType<typeof open>> } | null = null;
  const finish = async (): Promise<void> => {
    if (artifact === null) return;
    const { hash, file } = artifact;
    artifact = null;
    await file.close();
    await onArtifact(hash);
  };
  try {
    for await (const { line } of linesIn(path)) {
      if (line.kind === "data") {
        await artifact?.file.writeFile(line.bytes);
        continue;
      }
      await finish();
      if (line.kind === "blob") await onBlob(line.hash, line.text);
      if (line.kind === "artifact") artifact = { hash: line.hash, file: await open(temporary, "w") };
    }
    await finish();
  } finally {
    await artifact?.file.close();
    await rm(temporary, { force: true });
  }
}

async function* linesIn(path: string): AsyncGenerator<{ readonly line: SessionFileLine; readonly text: string }> {
  let number = 0;
  for await (const text of textLines(bytesOf(path))) {
    number += 1;
    yield { line: readSessionFileLine(text, number), text };
  }
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* (path.endsWith(".gz") ? readGunzipped(path) : createReadStream(path)) as AsyncIterable<Buffer>;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (code.startsWith("Z_")) throw damagedFile(`it cannot be decompressed: ${messageOf(cause)}`);
    throw new PerdureError(code === "ENOENT" ? "not-found" : "invalid-input", {
      message: `The file ${path} cannot be read: ${messageOf(cause)}`,
      hint: "Name a file that `perdure session export` wrote.",
      details: { path },
      cause,
    });
  }
}

const LINE_FEED = 0x0a;

/** Whole lines; what comes after the last line break is torn off and not whole. */
async function* textLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let pending = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, at)]).toString("utf8");
      parts = [];
      pending = 0;
      from = at + 1;
    }
    parts.push(chunk.subarray(from));
    pending += chunk.length - from;
    if (pending > MOST_LINE_BYTES) throw damagedFile(`it has a line of more than ${MOST_LINE_BYTES} bytes`);
  }
  if (pending > 0) throw damagedFile("its last line is cut off");
}
