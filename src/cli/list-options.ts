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
