/** Makes a directory a project. */

import { lstat, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import * as v from "valibot";

import { messageOf, PerdureError } from "../base/errors.ts";
import { defineOperation } from "./operation.ts";

export const init = defineOperation({
  name: "init",
  summary: "Creates .perdure/ and a commented perdure.yaml where they are missing.",
  input: v.object({}),
  output: v.object({
    projectDir: v.string(),
    /** Relative to the project. */
    created: v.array(v.string()),
    existing: v.array(v.string()),
  }),
  async run({ projectDir }) {
    const { DEFAULT_FILE } = await import("../config/default-file.ts");
    // The store has been opened by now, so the directory is there; the file that keeps it out of git tells whether it is new.
    const files = [
      { name: ".perdure/", path: join(projectDir, ".perdure", ".gitignore"), text: "*\n" },
      { name: "perdure.yaml", path: join(projectDir, "perdure.yaml"), text: DEFAULT_FILE },
    ];
    const created: string[] = [];
    const existing: string[] = [];
    for (const file of files) ((await isWritten(file)) ? created : existing).push(file.name);
    return { projectDir, created, existing };
  },
});

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/** `false` when the file was there; it is left as it is then. */
async function isWritten({ path, text }: { readonly path: string; readonly text: string }): Promise<boolean> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    if (await isThere(path)) return false;
    // Under its name only once it is whole: a disk that is full leaves no empty file behind.
    await writeFile(temporary, text, { flush: true });
    await rename(temporary, path);
    return true;
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new PerdureError("store-unreachable", {
      message: `${path} cannot be written: ${messageOf(cause)}`,
      hint: "Check that the directory may be written to and the disk is not full.",
      details: { path },
      cause,
    });
  }
}
