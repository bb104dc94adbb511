/** Reading a compressed file. */

import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";

/**
 * What the file decompresses to. Whatever goes wrong, with the file or with what is in it, is thrown to whoever reads; the file
 * is closed then, and also when its reader stops before the end. (`Readable.compose` may neither throw nor end instead.)
 */
export function readGunzipped(path: string): Readable {
  const toldByTheReading = (): void => {};
  return pipeline(createReadStream(path), createGunzip(), toldByTheReading);
}
