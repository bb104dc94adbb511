/** Writes the whole project into one file, from which it can be made again in any kind of store. */

import { basename, resolve } from "node:path";

import * as v from "valibot";

import { counted } from "../base/counted.ts";
import { journalDirectoryOf } from "./json/sink-report.ts";
import { defineOperation } from "./operation.ts";

export const projectExport = defineOperation({
  name: "project-export",
  summary: "Writes the whole project into one file: its change log, all values, and the contents of its artifacts.",
  input: v.object({
    /** Where to; compressed when it ends in `.gz`. Default: `project-NAME.jsonl.gz` in the current directory. */
    path: v.optional(v.nullable(v.pipe(v.string(), v.nonEmpty("names no file"))), null),
  }),
  output: v.object({
    /** Absolute. */
    path: v.string(),
    changes: v.number(),
    /** Large values and artifacts. */
    contents: v.number(),
    lastSeq: v.number(),
    /** Whether the file says what the tables came to, so that importing it proves that they are the same. */
    hasState: v.boolean(),
    notices: v.array(v.string()),
  }),
  async run(context, input) {
    const { writeProjectFile } = await import("../replication/project-file-writer.ts");
    const { store, artifactFiles, random, projectDir } = context;
    const path = resolve(input.path ?? `project-${fileNameOf(basename(projectDir))}.jsonl.gz`);
    const journalDirectory = journalDirectoryOf(context);
    const written = await writeProjectFile({ store, artifactFiles, random, journalDirectory }, path);
    const { changes, contents, lastSeq, state, missing } = written;
    const notices: string[] = [];
    if (missing.length > 0)
      notices.push(
        `${counted(missing.length, "value or artifact", "values or artifacts")} are missing or damaged: ${missing.slice(0, 3).join(", ")}`,
      );
    if (state === null)
      notices.push("the project was written to meanwhile, so the file does not say what its tables came to");
    return { path, changes, contents, lastSeq: lastSeq ?? 0, hasState: state !== null, notices };
  },
});

function fileNameOf(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, "-");
}
