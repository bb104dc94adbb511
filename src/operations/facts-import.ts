/** Takes facts in from a file. */

import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";

import * as v from "valibot";

import { messageOf, PerdureError } from "../base/errors.ts";
import { defineOperation } from "./operation.ts";

export const factsImport = defineOperation({
  name: "facts-import",
  summary:
    "Takes facts in from a file that facts-export wrote. A file with a fault is refused whole; importing twice changes nothing.",
  input: v.object({ path: v.pipe(v.string(), v.nonEmpty("names no file")) }),
  output: v.object({
    added: v.number(),
    /** Left as they are here. */
    known: v.number(),
    /** Said by a fact that was replaced or forgotten here, and not taken up again. */
    outdated: v.number(),
    /** Of those added: their ids were taken. */
    renamed: v.number(),
    /** References to facts that are neither in the file nor here. */
    lostReferences: v.number(),
  }),
  async run(context, { path }) {
    const { importFactFile, refuseLargeFile } = await import("../memory/import-facts.ts");
    const file = resolve(path);
    refuseLargeFile((await reading(file, stat(file))).size);
    const content = await reading(file, readFile(file));
    // Not before: where there is no store, its first use makes one.
    return await importFactFile({ store: context.store, clock: context.clock }, content);
  },
});

async function reading<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new PerdureError("not-found", {
      message: `The file ${path} cannot be read: ${messageOf(cause)}`,
      hint: "Name a file that `perdure facts export` wrote.",
      details: { path },
      cause,
    });
  }
}
