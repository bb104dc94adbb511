/**
 * The file a command reports its progress in, one `percent message` a line. Appending and overwriting both work, because
 * only the newest line at the end of the file counts, whatever else is in it.
 */

import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";

import type { ClockDep } from "../../base/clock.ts";
import { LIMITS } from "../../domain/limits.ts";
import type { ProgressUpdate } from "../../engine/run.ts";

/** The newest line is looked for in this much of the end of the file. */
const TAIL_BYTES = 4 << 10;
/** Changes are told by the system; this often it is looked at anyway, where watching does not work. */
const SLOW_CHECK_MS = 2_000;
const LINE = /^(\d{1,3}(?:\.\d+)?)\s*%?(?:\s+(.*))?$/s;

export interface ProgressFile {
  /** Reports what was written last and stops watching. */
  close(): Promise<void>;
}

/** Creates the file, in a directory which is the caller's alone, and calls `report` with each new line seen in it. */
export async function watchProgressFile(
  deps: ClockDep,
  { path, report }: { readonly path: string; readonly report: (progress: ProgressUpdate) => void },
): Promise<ProgressFile> {
  await writeFile(path, "", { mode: 0o600 });
  let lastText = "";
  let reading: Promise<void> | null = null;
  let isStale = false;
  let isClosed = false;

  async function readLoop(): Promise<void> {
    do {
      isStale = false;
      const text = await readEnd(path);
      const update = text === lastText ? null : findNewestProgress(text);
      lastText = text;
      if (update !== null) report(update);
    } while (isStale);
    reading = null;
  }
  function check(): Promise<void> {
    isStale = true;
    reading ??= readLoop();
    return reading;
  }

  let cancelTimer = (): void => {};
  const checkSlowly = (): void => {
    void check();
    if (!isClosed) cancelTimer = deps.clock.setTimer(SLOW_CHECK_MS, checkSlowly);
  };
  checkSlowly();
  const watcher = watchDirectory(dirname(path), (name) => {
    if (name === null || name === basename(path)) void check();
  });

  return {
    async close() {
      isClosed = true;
      cancelTimer();
      watcher?.close();
      await check();
    },
  };
}

/** The newest line that says how far the work is, or `null`. Lines that do not are passed over. */
export function findNewestProgress(text: string): ProgressUpdate | null {
  return text
    .split(/\r\n|\n|\r/)
    .reduceRight<ProgressUpdate | null>((newest, line) => newest ?? parseProgressLine(line), null);
}

/** `42`, `42%`, `42.5 % half way there`; anything else is `null`. */
export function parseProgressLine(line: string): ProgressUpdate | null {
  const match = LINE.exec(line.trim());
  const percent = Number(match?.[1]);
  if (match === null || percent > 100) return null;
  const message = match[2]?.slice(0, LIMITS.titleChars);
  return message === undefined ? { percent } : { percent, message };
}

/** The end of the file from a line start; empty when it cannot be read. */
async function readEnd(path: string): Promise<string> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, "r");
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, from);
    const text = buffer.toString("utf8", 0, bytesRead);
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } catch {
    // Progress is a courtesy: the command may have removed the file, and that never fails it.
    return "";
  } finally {
    await file?.close();
  }
}

function watchDirectory(directory: string, onChange: (name: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(directory, { persistent: false }, (_event, name) => onChange(name));
    // Out of watches, or a file system without them: the slow check remains.
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
