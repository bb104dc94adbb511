/** A sink of files: a journal as `.perdure` has one, and what its lines refer to beside it. A jsonl store can be opened there. */

import { createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { messageOf, PerdureError } from "../base/errors.ts";
import { hasErrorCode } from "../base/file-errors.ts";
import type { FileLock } from "../base/file-lock.ts";
import { fileLock } from "../base/file-lock.ts";
import type { RandomDep } from "../base/random.ts";
import { artifactFiles } from "../store/artifact-files.ts";
import { headerToLine } from "../store/journal-line.ts";
import { compressClosedMonths } from "../trail/journal-closing.ts";
import { JOURNAL_DIRECTORY, listJournalMonths, readJournal } from "../trail/journal-files.ts";
import { journalWriter } from "../trail/journal-writer.ts";
import type { LogSource, Sink } from "./sink.ts";

export interface JsonlSinkOptions extends RandomDep {
  /** Holds `journal/` and `artifacts/`. */
  readonly directory: string;
}

/** Longer than any batch takes. */
const LOCK_MS = 10_000;

export function jsonlSink({ directory, random }: JsonlSinkOptions): Sink {
  const journal = join(directory, JOURNAL_DIRECTORY);
  const contents = artifactFiles({ dir: join(directory, "artifacts"), random });
  const writer = journalWriter({ directory: journal, keepsWhole: "commands" });
  let lock: FileLock | null = null;
  /** One writer at a time, whichever process it is in. */
  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    await mkdir(directory, { recursive: true });
    lock ??= fileLock(join(directory, "journal.lock"));
    if (!(await lock.acquire({ waitMs: LOCK_MS }))) throw locked(directory);
    try {
      return await work();
    } finally {
      lock.release();
    }
  };
  const source = jsonlSource({ directory, random });
  return {
    ...source,
    end: () => guarded(directory, () => writer.end()),
    append: ({ header, after, lines }) =>
      guarded(directory, () =>
        alone(async () => {
          const { last } = await writer.end();
          if ((last?.seq ?? 0) !== after) return "moved";
          const newest = lines.at(-1)?.change;
          if (newest === undefined) return "appended";
          const placed = lines.map(({ at, text }) => ({ at, text }));
          const { beganMonth } = await writer.append({
            lines: placed,
            headerLine: headerToLine(header),
            last: newest,
          });
          if (beganMonth) await compressClosedMonths(journal);
          return "appended";
        }),
      ),
    hasContent: (hash) => guarded(directory, () => contents.has(hash)),
    putContent: (hash, content) =>
      guarded(directory, async () => {
        await mkdir(directory, { recursive: true });
        const temporary = join(directory, `${hash}.${random.uuid()}.tmp`);
        try {
          await pipeline(content, createWriteStream(temporary, { flags: "wx" }));
          await contents.putMoved(temporary);
        } finally {
          await rm(temporary, { force: true });
        }
      }),
    abandon: () => lock?.close(),
    async close() {
      lock?.close();
    },
  };
}

/** Reads a journal wherever one lies: in a sink, a jsonl store, or `.perdure`. Nothing is changed. */
export function jsonlSource({ directory, random }: JsonlSinkOptions): LogSource {
  const contents = artifactFiles({ dir: join(directory, "artifacts"), random });
  return {
    place: directory,
    async *read({ after }) {
      for await (const { file, lineNumber, line, isTerminated } of readJournal(join(directory, JOURNAL_DIRECTORY))) {
        if (line.kind === "change" && line.change.seq <= after) continue;
        yield { line, isTerminated, place: `line ${lineNumber} of ${basename(file)}` };
      }
    },
    async openContent(hash) {
      return (await contents.has(hash)) ? await contents.open(hash) : null;
    },
    async close() {},
  };
}

export async function isJournalPlace(directory: string): Promise<boolean> {
  return (await listJournalMonths(join(directory, JOURNAL_DIRECTORY))).length > 0;
}

export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** What the operating system refuses is told as that; bugs stay as they are. */
async function guarded<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PerdureError || !(error instanceof Error) || !("code" in error)) throw error;
    throw new PerdureError("store-unreachable", {
      message: `The sink ${directory} cannot be used: ${messageOf(error)}`,
      hint: "Check that the directory is there and may be written to.",
      details: { directory },
      cause: error,
    });
  }
}

function locked(directory: string): PerdureError {
  return new PerdureError("store-unreachable", {
    message: `The sink ${directory} is kept locked by another process`,
    hint: "It goes on once that process lets go of it.",
    details: { directory },
  });
}
