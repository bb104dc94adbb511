/** `perdure facts export` and `perdure facts import` */

import { safeText } from "../terminal/ansi.ts";
import { KIND_OPTION, listInput, STATUS_OPTION } from "../fact-options.ts";
import { operationVerb } from "../verb.ts";

export const factsExport = operationVerb({
  arguments: [],
  options: [KIND_OPTION, { ...STATUS_OPTION, help: "only active, questioned, superseded or retired (default: all)" }],
  examples: ["perdure facts export > facts.jsonl"],
  load: async () => (await import("../../operations/facts-export.ts")).factsExport,
  input: (args) => ({ kind: listInput(args, "kind"), status: listInput(args, "status") }),
  // Into a file it goes as it is.
  text: ({ text }, { width }) => (width === null ? text : safeText(text)).replace(/\n$/, ""),
});

export const factsImport = operationVerb({
  arguments: [{ name: "FILE", help: "JSON lines, as `perdure facts export` writes them" }],
  options: [],
  notes: "A file with a fault is refused whole. What is known stays as it is; importing twice changes nothing.",
  store: "on-use",
  load: async () => (await import("../../operations/facts-import.ts")).factsImport,
  input: (args) => ({ path: args.text("FILE") }),
  text({ added, known, outdated, renamed, lostReferences }) {
    const parts = [
      `${added} added`,
      `${known} known`,
      ...(outdated > 0 ? [`${outdated} no longer hold here`] : []),
      ...(renamed > 0 ? [`${renamed} under new ids`] : []),
      ...(lostReferences > 0 ? [`${lostReferences} references lead nowhere`] : []),
    ];
    return `Facts: ${parts.join(", ")}`;
  },
});
