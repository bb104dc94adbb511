/**
 * The synchronous part of `node:fs`, for what runs at start-up. An import of `node:fs` itself also loads its streams, which
 * takes 4 ms, a tenth of the time `perdure status` may take.
 */

export const { existsSync, fstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, watch, writeSync } =
  process.getBuiltinModule("node:fs");
