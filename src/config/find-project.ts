/** Finds the project a command is meant for. */

import { dirname, join, resolve } from "node:path";
import { statSync } from "../base/quick-fs.ts";
import { CONFIG_FILE } from "./load-config.ts";

const PROJECT_FOLDER = ".perdure";

/** The nearest directory, from `from` upwards, that holds `.perdure/` or `perdure.yaml`; `from` itself when none does. Absolute. */
export function findProjectDir(from: string): string {
  const start = resolve(from);
  for (let directory = start; ; directory = dirname(directory)) {
    if (isProject(directory)) return directory;
    if (directory === dirname(directory)) return start;
  }
}

function isProject(directory: string): boolean {
  const folder = statSync(join(directory, PROJECT_FOLDER), { throwIfNoEntry: false });
  if (folder?.isDirectory()) return true;
  return statSync(join(directory, CONFIG_FILE), { throwIfNoEntry: false })?.isFile() ?? false;
}
