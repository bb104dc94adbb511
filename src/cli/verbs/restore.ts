/** `perdure restore` */

import type * as v from "valibot";

import { counted } from "../../base/counted.ts";
import type { restore as restoreOperation } from "../../operations/restore.ts";
import { safeLine } from "../terminal/ansi.ts";
import type { Call, Verb } from "../verb.ts";

export const restore: Verb = {
  arguments: [],
  options: [
    {
      name: "from",
      type: "text",
      placeholder: "COPY",
      help: "redis://HOST:PORT/DB#STREAM, firestore://PROJECT/COLLECTION or a path",
    },
    { name: "partial", type: "boolean", help: "where the copy is damaged, end before that instead of refusing" },
  ],
  notes: [
    "Makes the store of a project again from a copy of its change log: a sink of `replication` in perdure.yaml, the directory",
    "of a jsonl store, or a file of `perdure export --format project`. The project must be empty; --project and --store say",
    "where. What was stored is read back and compared. A restore that was cut off goes on when it is run again.",
  ].join("\n"),
  examples: [
    "perdure restore --from 'redis://backup:6379/0#perdure:project'",
    "perdure restore --from /mnt/backup/project --store jsonl",
  ],
  run: (call) => runRestore(call, { from: call.args.text("from") ?? "", partial: call.args.flag("partial") }),
};

type Result = v.InferInput<(typeof restoreOperation)["output"]>;

/** Also what `perdure import` does with the file of a whole project. */
export async function runRestore(
  { output, open }: Call,
  input: { readonly from: string; readonly partial: boolean },
): Promise<number> {
  const project = await open("restore");
  const [{ restore: operation }, { runOperation }] = await Promise.all([
    import("../../operations/restore.ts"),
    import("../../operations/operation.ts"),
  ]);
  const result = await runOperation(operation, project, { input });
  if (output.isJson) output.printData(result);
  else output.print(text(result));
  for (const notice of result.notices) output.remark(`notice: ${safeLine(notice)}`);
  return 0;
}

function text({ project, from, changes, lastSeq, contents, stateProven }: Result): string {
  const proven = stateProven ? "the tables are those it was made of" : "every change fits and reads back as it was";
  return [
    `Restored ${safeLine(project.name)} from ${safeLine(from)}: ${counted(changes, "change")} up to ${lastSeq}, ${counted(contents, "content")}; ${proven}.`,
    "`perdure resume` goes on with the work.",
  ].join("\n");
}
