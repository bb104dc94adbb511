/** Makes a directory a project. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import * as v from "valibot";

import { messageOf, PerdureError } from "../base/errors.ts";
import { defineOperation } from "./operation.ts";

export const init = defineOperation({
  name: "init",
  summary: "Creates .perdure/ and a commented perdure.yaml where they are missing.",
  input: v.object({
    /** Also the settings that let coding agents use the project. */
    agents: v.optional(v.boolean(), false),
  }),
  output: v.object({
    projectDir: v.string(),
    /** Relative to the project. */
    created: v.array(v.string()),
    existing: v.array(v.string()),
  }),
  async run({ projectDir }, input) {
    if (input.agents) {
      throw new PerdureError("unsupported", {
        message: "Settings for coding agents (--agents) come with a later version of Perdure",
        hint: "Run `perdure init` without it; nothing was changed.",
      });
    }
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

/** `false` when the file was there; it is left as it is then. */
async function isWritten({ path, text }: { readonly path: string; readonly text: string }): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx", flush: true });
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false;
    throw new PerdureError("store-unreachable", {
      message: `${path} cannot be written: ${messageOf(cause)}`,
      hint: "Check that the directory may be written to and the disk is not full.",
      details: { path },
      cause,
    });
  }
}
