/** Who an agent is in the change log, and as the holder of a claim. */

import { LIMITS } from "../domain/limits.ts";
import type { McpClient } from "./surface.ts";

/** One agent speaks through each connection; where there are none, those of the same client are taken for one. */
export function nameOfAgent({ name, connection }: McpClient): string {
  const text = name.replaceAll(/\p{Cc}/gu, " ");
  return connection === null ? text.slice(0, LIMITS.nameChars) : `${text.slice(0, LONGEST_NAME)}-${connection}`;
}

const LONGEST_NAME = LIMITS.nameChars - 10;
