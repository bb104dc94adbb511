/** Makes a project's store again from a copy of its change log: a sink, a jsonl store, or an exported file. */

import { join } from "node:path";

import * as v from "valibot";

import { counted } from "../base/counted.ts";
import { PerdureError } from "../base/errors.ts";
import type { Restored } from "../replication/restore-log.ts";
import { defineOperation } from "./operation.ts";

export const restore = defineOperation({
  name: "restore",
  summary: "Makes a project's store again, in an empty project, from a copy of its change log, and verifies it.",
  input: v.object({
    /** `redis://host:port/database#stream`, `firestore://project/collection`, a directory with `journal/` in it, or a file. */
    from: v.pipe(v.string(), v.nonEmpty("names no copy")),
    /** Where a copy is damaged, end before that instead of refusing. */
    partial: v.optional(v.boolean(), false),
  }),
  output: v.object({
    project: v.object({ id: v.string(), name: v.string() }),
    /** In words, without secrets. */
    from: v.string(),
    changes: v.number(),
    lastSeq: v.number(),
    /** Large values and artifacts. */
    contents: v.number(),
    /** Whether the tables were compared with those the copy was made of. */
    stateProven: v.boolean(),
    missing: v.array(v.object({ hash: v.string(), kind: v.picklist(["value", "artifact"]) })),
    /** What is not as it was. */
    notices: v.array(v.string()),
  }),
  async run(context, { from, partial }) {
    const { restoreMark: mark, projectDir, random, artifactFiles } = context;
    if (mark === undefined) throw notOpenedForIt();
    const [{ openLogSource }, { restoreLog }] = await Promise.all([
      import("../replication/open-sink.ts"),
      import("../replication/restore-log.ts"),
    ]);
    const source = await openLogSource(from, { directory: ".", random });
    try {
      const directory = join(projectDir, ".perdure");
      const restored = await restoreLog(
        { store: context.store, artifactFiles, random, directory, source },
        {
          mayContinue: await mark.isSet(),
          mayBePartial: partial,
          onBegin: () => mark.set(),
          onRefused: () => mark.clear(),
        },
      );
      await mark.clear();
      const { project, changes, lastSeq, contents, missing, isStateProven } = restored;
      const notices = noticesOf(restored);
      return {
        project,
        from: source.place,
        changes,
        lastSeq,
        contents,
        stateProven: isStateProven,
        missing: [...missing],
        notices,
      };
    } finally {
      await source.close();
    }
  },
});

/** Whether a file is a whole project rather than a plan. */
export async function isProjectFile(path: string): Promise<boolean> {
  // Lines of JSON alone: others need not be looked into.
  if (!/\.jsonl(\.gz)?$/.test(path)) return false;
  return await (await import("../replication/project-file-reader.ts")).isProjectFile(path);
}

function noticesOf({ continuedFrom, missing, doubts, endsBefore }: Restored): string[] {
  const notices: string[] = [];
  if (continuedFrom > 0) notices.push(`a restore that was cut off was continued after change ${continuedFrom}`);
  if (endsBefore !== null) notices.push(`it ends before what is damaged: ${endsBefore}`);
  const values = missing.filter(({ kind }) => kind === "value").length;
  const artifacts = missing.length - values;
  if (values > 0)
    notices.push(`${counted(values, "large value")} of the log cannot be read any more: the copy does not have it`);
  if (artifacts > 0) notices.push(`the content of ${counted(artifacts, "artifact")} is not in the copy`);
  if (doubts.length > 0)
    notices.push(
      `something is missing before ${counted(doubts.length, "change")} (the first is ${doubts[0]}): lost from the copy, or given up by an earlier repair`,
    );
  return notices;
}

function notOpenedForIt(): PerdureError {
  return new PerdureError("wrong-state", {
    message: "The project is open for work, and a restore needs it for itself",
    hint: "Close it, and restore with `perdure restore` or restoreProject().",
  });
}
