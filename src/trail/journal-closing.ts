/**
 * Compressing the months that are over. The compressed file appears whole, and only then the plain one goes: at any moment
 * in between, both hold the same. Done by one process at a time.
 */

import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import { replaceFileWith, syncDirectory } from "../base/atomic-file.ts";
import { readGunzipped } from "../base/gunzipped-file.ts";
import { sha256 } from "../base/sha256.ts";
import { listJournalMonths } from "./journal-files.ts";

/** Compresses all files but the newest, to which lines are still added. Safe to repeat. */
export async function compressClosedMonths(directory: string): Promise<void> {
  const months = await listJournalMonths(directory);
  for (const { plain, compressed } of months.slice(0, -1)) {
    if (plain === null) continue;
    const textHash = compressed === null ? null : await findTextHash(compressed);
    if (textHash === null) {
      await replaceFileWith(`${plain}.gz`, (temporary) =>
        pipeline(createReadStream(plain), createGzip(), createWriteStream(temporary, { flush: true })),
      );
    } else if (textHash !== (await hashOf(createReadStream(plain)))) {
      // One of them was damaged since; which one is for a repair to find out.
      continue;
    }
    await rm(plain, { force: true });
    await syncDirectory(directory);
  }
}

/** Of what a compressed file decompresses to; `null` when it is damaged. */
async function findTextHash(compressed: string): Promise<string | null> {
  try {
    return await hashOf(readGunzipped(compressed));
  } catch {
    return null;
  }
}

async function hashOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const hash = sha256();
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}
