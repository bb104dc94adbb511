/** Options of the verbs that choose facts. */

import type { OptionSpec, ParsedArguments } from "./parse-arguments.ts";

export const KIND_OPTION: OptionSpec = {
  name: "kind",
  short: "k",
  type: "text",
  placeholder: "KIND",
  isRepeated: true,
  help: "only decision, pattern, constraint or finding",
};

export const STATUS_OPTION: OptionSpec = {
  name: "status",
  type: "text",
  placeholder: "STATUS",
  isRepeated: true,
  help: "only active, questioned, superseded or retired (default: the first two)",
};

/** What was given of an option that may be given several times, as operations take it. */
export function listInput(args: ParsedArguments, name: string): string | undefined {
  return args.list(name).length === 0 ? undefined : args.list(name).join(",");
}
