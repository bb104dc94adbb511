/** Whether a program is found by its name whoever starts it: also by an agent, outside of npm and npx. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export interface PathEnv {
  readonly PATH?: string | undefined;
  readonly PATHEXT?: string | undefined;
}

export function isOnPath(program: string, { PATH = "", PATHEXT = "" }: PathEnv): boolean {
  const endings = ["", ...PATHEXT.split(";")];
  // npm and npx add folders of their own, which are there for what they run alone.
  const folders = PATH.split(delimiter).filter((folder) => folder !== "" && !/[\\/]node_modules[\\/]/.test(folder));
  return folders.some((folder) => endings.some((ending) => isExecutable(join(folder, program + ending))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us to run: the same here.
    return false;
  }
}
