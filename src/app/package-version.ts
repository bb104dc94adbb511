/** The version of this program. */

import { readFileSync } from "node:fs";

import { isJsonObject } from "../base/json.ts";

/** As package.json says; the file lies two folders up, both in `src/` and in `dist/`. */
export function packageVersion(): string {
  const found: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return isJsonObject(found) && typeof found.version === "string" ? found.version : "unknown";
}
