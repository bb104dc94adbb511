/** `perdure recall` */

import { safeText } from "../terminal/ansi.ts";
import { KIND_OPTION, listInput, STATUS_OPTION } from "../fact-options.ts";
import { operationVerb } from "../verb.ts";

export const recall = operationVerb({
  arguments: [{ name: "QUERY", help: "what is asked, in words", isRepeated: true }],
  options: [
    { name: "tokens", short: "t", type: "integer", placeholder: "N", help: "of the answer, at most (default: 1000)" },
    { name: "limit", short: "n", type: "integer", placeholder: "N", help: "most facts (default: 20)" },
    KIND_OPTION,
    STATUS_OPTION,
  ],
  examples: ["perdure recall which database do we use", 'perdure recall "release steps" --kind decision --tokens 300'],
  load: async () => (await import("../../operations/recall.ts")).recall,
  input: (args) => ({
    query: args.list("QUERY").join(" "),
    tokens: args.number("tokens") ?? undefined,
    limit: args.number("limit") ?? undefined,
    kind: listInput(args, "kind"),
    status: listInput(args, "status"),
  }),
  text: ({ text }, { width }) => (text === "" && width !== null ? "Nothing is known about that." : safeText(text)),
  notices: ({ notices, leftOut, items }) => [
    ...notices,
    ...(leftOut > 0 ? [`${items.length} of ${items.length + leftOut} facts found are shown`] : []),
  ],
});
