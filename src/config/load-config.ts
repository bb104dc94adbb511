/** Loads a project's `perdure.yaml`. On the start-up path: without settings in the file, no parser is loaded. */

import { join } from "node:path";
import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "../base/quick-fs.ts";
import { messageOf, PerdureError } from "../base/errors.ts";
import { DEFAULT_CONFIG, type Config } from "./config.ts";
import { invalidConfig } from "./problem.ts";

export const CONFIG_FILE = "perdure.yaml";
const MAX_CONFIG_BYTES = 1 << 20;
const LINE_FEED = 0x0a;

/**
 * The configuration of the project in `projectDir`: its `perdure.yaml`, or the defaults when it has none.
 *
 * @throws PerdureError `invalid-config` when the file cannot be read, is over 1 MiB, is not UTF-8, or says something wrong.
 */
export async function loadConfig(projectDir: string): Promise<Config> {
  const bytes = findBytes(join(projectDir, CONFIG_FILE));
  if (bytes === null) return DEFAULT_CONFIG;
  refuseInvalidUtf8(bytes);
  const text = new TextDecoder().decode(bytes);
  if (saysNothing(text)) return { ...DEFAULT_CONFIG, file: CONFIG_FILE };
  const { parseConfig } = await import("./parse-config.ts");
  return parseConfig(text, CONFIG_FILE);
}

function findBytes(path: string): Buffer | null {
  try {
    const { size } = statSync(path);
    if (size <= MAX_CONFIG_BYTES) return readFileSync(path);
    throw new PerdureError("invalid-config", {
      message: `${path} has ${size} bytes; a configuration has at most ${MAX_CONFIG_BYTES}`,
      hint: "Is it the right file?",
    });
  } catch (cause) {
    if (cause instanceof PerdureError) throw cause;
    if (isMissing(cause)) return null;
    throw new PerdureError("invalid-config", {
      message: `${path} cannot be read: ${messageOf(cause)}`,
      hint: "It must be a file that this user may read.",
      cause,
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function refuseInvalidUtf8(bytes: Buffer): void {
  if (isUtf8(bytes)) return;
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end !== -1 && isUtf8(bytes.subarray(start, end)); line++) {
    start = end + 1;
    end = bytes.indexOf(LINE_FEED, start);
  }
  throw invalidConfig(CONFIG_FILE, [
    { line, column: 1, message: "this line is not UTF-8 text; save the file as UTF-8" },
  ]);
}

/** Only comments and blank lines. */
function saysNothing(text: string): boolean {
  return text.split("\n").every((line) => /^\s*(?:#.*)?$/.test(line));
}
