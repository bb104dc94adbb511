/** `perdure brief` */

import { operationVerb } from "../verb.ts";

export const brief = operationVerb({
  arguments: [
    { name: "SESSION", help: "an id, the beginning of one, or a name (default: the present one)", isOptional: true },
  ],
  options: [{ name: "tokens", type: "integer", placeholder: "N", help: "most tokens it may take (default: 1000)" }],
  notes:
    "For a person or a model. The same work at the same point gives the same text. Text in quotes is what tasks and people recorded.",
  examples: ["perdure brief", "perdure brief --tokens 300", "perdure brief 41abf8dc --json"],
  load: async () => (await import("../../operations/brief.ts")).brief,
  input: (args) => ({ session: args.text("SESSION"), tokens: args.number("tokens") ?? undefined }),
  text: ({ text }) => text,
});
