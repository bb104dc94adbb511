/** The name of a plan whose file gives none. */

import { LIMITS } from "../domain/limits.ts";

/** File names that say nothing; the folder around them does: `changes/add-login/tasks.md`. */
const COMMON_NAMES: ReadonlySet<string> = new Set(["tasks", "plan", "todo", "issues", "readme"]);
const COMMON_FOLDERS: ReadonlySet<string> = new Set(["tasks", ".beads", ".taskmaster", ""]);

export function nameFromPath(path: string): string {
  const parts = path
    .replaceAll("\\", "/")
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  const file = parts.at(-1)?.replace(/\.[A-Za-z0-9]{1,8}$/, "") ?? "";
  const folder = parts.at(-2) ?? "";
  const isCommon = COMMON_NAMES.has(file.toLowerCase()) && !COMMON_FOLDERS.has(folder) && folder !== "..";
  const name = isCommon ? folder : file;
  return name === "" ? "plan" : name.slice(0, LIMITS.nameChars);
}
