/** Options that the verbs that list have alike. */

import type { OptionSpec, ParsedArguments } from "./parse-arguments.ts";

export const PAGE_OPTIONS: readonly OptionSpec[] = [
  { name: "limit", short: "n", type: "integer", placeholder: "N", help: "most items (default: 20)" },
  { name: "cursor", type: "text", placeholder: "CURSOR", help: "where the page before ended" },
];

export const SESSION_OPTION: OptionSpec = {
  name: "session",
  type: "text",
  placeholder: "SESSION",
  help: "an id, the beginning of one, or a name",
};

export function pageInputOf(args: ParsedArguments) {
  return { limit: args.number("limit") ?? undefined, cursor: args.text("cursor") };
}

export const LABELS_OPTION: OptionSpec = {
  name: "labels",
  type: "text",
  placeholder: "A,B",
  help: "what this machine offers to tasks that require labels (default: worker.labels in perdure.yaml)",
};

/** `--name a,b` as a list; `undefined` when it is not said. An empty text is an empty list. */
export function listOption(args: ParsedArguments, name: string): readonly string[] | undefined {
  const said = args.text(name);
  if (said === null) return undefined;
  return said
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
