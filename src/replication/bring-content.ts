/** Bringing what a log refers to from a copy, checked by its hash. */

import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import type { RandomDep } from "../base/random.ts";
import { sha256 } from "../base/sha256.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { LogSource } from "./sink.ts";

/** `null` when it is not there, or is something else. */
export async function contentText(source: LogSource, hash: string): Promise<string | null> {
  const content = await source.openContent(hash);
  if (content === null) return null;
  const parts: Uint8Array[] = [];
  const sum = sha256();
  for await (const part of content) {
    parts.push(part);
    sum.update(part);
  }
  return sum.digest("hex") === hash ? Buffer.concat(parts).toString("utf8") : null;
}

interface BringDeps extends RandomDep {
  readonly source: LogSource;
  readonly artifactFiles: ArtifactFiles;
  readonly directory: string;
}

/** Of any size. Whether it is there now. */
export async function bringArtifact(deps: BringDeps, hash: string): Promise<boolean> {
  const { source, artifactFiles, directory, random } = deps;
  if (await artifactFiles.renew(hash)) return true;
  const content = await source.openContent(hash);
  if (content === null) return false;
  const temporary = join(directory, `restore-${random.uuid()}.tmp`);
  const sum = sha256();
  try {
    await mkdir(directory, { recursive: true });
    await pipeline(hashed(content, sum), createWriteStream(temporary, { flags: "wx" }));
    if (sum.digest("hex") !== hash) return false;
    await artifactFiles.putMoved(temporary);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function* hashed(content: AsyncIterable<Uint8Array>, sum: ReturnType<typeof sha256>): AsyncGenerator<Uint8Array> {
  for await (const part of content) {
    sum.update(part);
    yield part;
  }
}
