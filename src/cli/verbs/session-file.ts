/** `perdure session export` and `perdure session import` */

import { counted } from "../../base/counted.ts";
import { safeLine } from "../terminal/ansi.ts";
import { shortId } from "../text/names.ts";
import { sessionLine } from "../text/session-line.ts";
import { operationVerb } from "../verb.ts";

export const sessionExport = operationVerb({
  arguments: [
    { name: "SESSION", help: "an id, the beginning of one, or a name (default: the present one)", isOptional: true },
  ],
  options: [
    {
      name: "out",
      short: "o",
      type: "text",
      placeholder: "FILE",
      help: "where to; compressed when it ends in .gz (default: session-ID.jsonl.gz here)",
    },
  ],
  notes:
    "The file holds everything: tasks, journals, messages, memory, checkpoints, history and the contents of artifacts.",
  examples: ["perdure session export", "perdure session export 41abf8dc --out ~/backup/research.jsonl.gz"],
  load: async () => (await import("../../operations/session-export.ts")).sessionExport,
  input: (args) => ({ session: args.text("SESSION"), path: args.text("out") }),
  text: ({ session, path, counts }) =>
    `Wrote ${safeLine(session.name)} (${shortId(session.id)}) to ${safeLine(path)}: ${counted(counts.rows, "row")}, ${counted(counts.changes, "change")}, ${counted(counts.artifacts, "artifact")}`,
  notices: ({ notices }) => notices,
});

export const sessionImport = operationVerb({
  arguments: [{ name: "FILE", help: "a file that `perdure session export` wrote" }],
  options: [{ name: "new-ids", type: "boolean", help: "as a copy, beside the session itself" }],
  notes:
    "All or nothing. What ran where it was exported waits here, and the session is paused while something is unfinished.",
  store: "on-use",
  load: async () => (await import("../../operations/session-import.ts")).sessionImport,
  input: (args) => ({ path: args.text("FILE"), newIds: args.flag("new-ids") }),
  text: ({ session, counts, interrupted }, view) =>
    `${sessionLine(session, view)}  ${counted(counts.rows, "row")}, ${counted(counts.changes, "change")}${interrupted === 0 ? "" : `, ${interrupted} interrupted`}`,
  notices: ({ notices }) => notices,
});
