/** A directory as the tests compare it: every file and link below it, by its kind, permissions and content. */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** By path, names as `latin1`. Directories themselves are left out, as are those named in `without`. */
export function fileState(
  directory: string,
  without: readonly string[] = [".git", ".perdure"],
): Readonly<Record<string, string>> {
  const state = new Map<string, string>();
  const visit = (relative: string): void => {
    const at = Buffer.from(`${directory}/${relative}`, "latin1");
    for (const name of readdirSync(at, { encoding: "latin1" }).toSorted()) {
      if (without.includes(name)) continue;
      const path = relative === "" ? name : `${relative}/${name}`;
      const file = Buffer.from(`${directory}/${path}`, "latin1");
      const found = lstatSync(file);
      if (found.isDirectory()) visit(path);
      else if (found.isSymbolicLink()) state.set(path, `link ${readlinkSync(file, { encoding: "latin1" })}`);
      else state.set(path, `${(found.mode & 0o777).toString(8)} ${readFileSync(file).toString("base64")}`);
    }
  };
  visit("");
  return Object.fromEntries(state);
}
