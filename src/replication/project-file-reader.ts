/**
 * Reads a whole project from the file an export wrote. The file is read through once before anything of it is given away:
 * a file that is cut off, changed, or not such a file gives nothing at all.
 */

import type { FileHandle } from "node:fs/promises";
import { mkdtemp, open as openFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isPerdureError, messageOf, PerdureError } from "../base/errors.ts";
import type { RandomDep } from "../base/random.ts";
import { sha256 } from "../base/sha256.ts";
import { artifactFiles } from "../store/artifact-files.ts";
import { readLines } from "../trail/journal-files.ts";
import type { ContentPiece, ProjectFileEnd, ProjectFileLine } from "./project-file-lines.ts";
import { readProjectFileLine } from "./project-file-lines.ts";
import type { LogSource } from "./sink.ts";

/** Whether a file begins as one does. */
export async function isProjectFile(path: string): Promise<boolean> {
  try {
    for await (const { text } of textLines(path)) return readProjectFileLine(text).kind === "header";
    return false;
  } catch (error) {
    // Whoever reads it for what else it may be tells what is wrong.
    if (isPerdureError(error)) return false;
    throw error;
  }
}

/** @throws PerdureError `not-found`; `invalid-input` for a file that is not whole */
export async function openProjectFile(path: string, { random }: RandomDep): Promise<LogSource> {
  const directory = await mkdtemp(join(tmpdir(), "perdure-import-"));
  const contents = artifactFiles({ dir: join(directory, "contents"), random });
  const unpacking = new Unpacking(join(directory, "piece"), (file) => contents.putMoved(file));
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const end = await readThrough(path, unpacking);
    return {
      place: path,
      state: end.state,
      async *read({ after }) {
        for await (const { line, number } of linesIn(path)) {
          if (line.kind !== "header" && line.kind !== "change" && line.kind !== "damaged") continue;
          if (line.kind === "change" && line.change.seq <= after) continue;
          yield { line, isTerminated: true, place: `line ${number} of ${path}` };
        }
      },
      openContent: async (hash) => ((await contents.has(hash)) ? await contents.open(hash) : null),
      close,
    };
  } catch (error) {
    await unpacking.abandon();
    await close();
    throw error;
  }
}

async function readThrough(path: string, unpacking: Unpacking): Promise<ProjectFileEnd> {
  const hash = sha256();
  const found = { changes: 0, contents: 0, lastSeq: null as number | null };
  let end: ProjectFileEnd | null = null;
  for await (const { line, text, number } of linesIn(path)) {
    if (end !== null) throw damaged(path, "it goes on behind its end");
    if (line.kind === "damaged") throw damaged(path, `line ${number}: ${line.why}`);
    if ((number === 1) !== (line.kind === "header")) throw damaged(path, `line ${number} has no place there`);
    if (line.kind === "content") {
      if (line.piece.offset === 0) found.contents += 1;
      await unpacking.add(line.piece);
    } else await unpacking.finish();
    if (line.kind === "end") end = line.end;
    else hash.update(`${text}\n`);
    if (line.kind !== "change") continue;
    found.changes += 1;
    found.lastSeq = line.change.seq;
  }
  if (end === null) throw damaged(path, "its end is missing");
  if (end.sha256 !== hash.digest("hex")) throw damaged(path, "its checksum does not fit");
  const isAll = end.changes === found.changes && end.contents === found.contents && end.lastSeq === found.lastSeq;
  if (!isAll) throw damaged(path, "its counts do not fit");
  return end;
}

/** Puts the pieces of contents together, one content at a time. */
class Unpacking {
  readonly #temporary: string;
  readonly #put: (file: string) => Promise<{ readonly hash: string }>;
  #open: { readonly hash: string; readonly file: FileHandle; bytes: number } | null = null;

  constructor(temporary: string, put: (file: string) => Promise<{ readonly hash: string }>) {
    this.#temporary = temporary;
    this.#put = put;
  }

  async add({ hash, offset, bytes }: ContentPiece): Promise<void> {
    if (offset === 0) {
      await this.finish();
      this.#open = { hash, file: await openFile(this.#temporary, "w"), bytes: 0 };
    }
    const open = this.#open;
    if (open === null || open.hash !== hash || open.bytes !== offset) throw damaged(hash, "a piece of it is missing");
    open.bytes += bytes.length;
    await open.file.writeFile(bytes);
  }

  async finish(): Promise<void> {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    await open.file.close();
    const { hash } = await this.#put(this.#temporary);
    if (hash !== open.hash) throw damaged(open.hash, "it holds something else than its name says");
  }

  async abandon(): Promise<void> {
    await this.#open?.file.close();
  }
}

async function* linesIn(
  path: string,
): AsyncGenerator<{ readonly line: ProjectFileLine; readonly text: string; readonly number: number }> {
  let number = 0;
  for await (const { text } of textLines(path)) {
    number += 1;
    yield { line: readProjectFileLine(text), text, number };
  }
}

async function* textLines(path: string): AsyncGenerator<{ readonly text: string }> {
  try {
    for await (const { bytes, isTerminated } of readLines(path)) {
      if (bytes === null) throw damaged(path, "it has a line that is too long");
      if (!isTerminated) throw damaged(path, "its last line is cut off");
      yield { text: bytes.toString("utf8") };
    }
  } catch (cause) {
    if (cause instanceof PerdureError || !(cause instanceof Error)) throw cause;
    const code = "code" in cause ? String(cause.code) : "";
    if (code.startsWith("Z_")) throw damaged(path, `it cannot be decompressed: ${messageOf(cause)}`);
    throw new PerdureError(code === "ENOENT" ? "not-found" : "invalid-input", {
      message: `The file ${path} cannot be read: ${messageOf(cause)}`,
      hint: "Name a file that `perdure export --format project` wrote.",
      details: { path },
      cause,
    });
  }
}

function damaged(what: string, why: string): PerdureError {
  return new PerdureError("invalid-input", {
    message: `${what} is not a whole project file: ${why}`,
    hint: "Nothing was changed. Export the project again, or copy the file again.",
    details: { path: what },
  });
}
