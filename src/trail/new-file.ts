/** Writing a large file of lines, beside its place first, so that a file of that name is whole or not there. */

import { createWriteStream } from "node:fs";
import { link, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import { messageOf, PerdureError } from "../base/errors.ts";
import type { RandomDep } from "../base/random.ts";

export interface NewFile {
  /** Compressed when it ends in `.gz`. Must not be there yet. */
  readonly path: string;
  /** With their breaks. */
  readonly lines: AsyncIterable<string>;
}

/** @throws PerdureError `conflict` when the file is there; `invalid-input` when it cannot be written */
export async function writeNewFile({ random }: RandomDep, { path, lines }: NewFile): Promise<void> {
  const temporary = `${path}.${random.uuid()}.tmp`;
  try {
    const text = Readable.from(lines);
    const file = createWriteStream(temporary, { flags: "wx", flush: true });
    await (path.endsWith(".gz") ? pipeline(text, createGzip(), file) : pipeline(text, file));
    // A rename would replace what came there meanwhile.
    await link(temporary, path);
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

function cannotWrite(path: string, cause: unknown): unknown {
  if (cause instanceof PerdureError || !(cause instanceof Error) || !("code" in cause)) return cause;
  if (cause.code === "EEXIST") {
    return new PerdureError("conflict", {
      message: `There is a file ${path} already`,
      hint: "Name another one with --out, or move it away.",
      details: { path },
    });
  }
  return new PerdureError("invalid-input", {
    message: `The file ${path} cannot be written: ${messageOf(cause)}`,
    hint: "Name another one with --out.",
    details: { path },
    cause,
  });
}
