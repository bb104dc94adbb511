/** `perdure status` */

import { statusText } from "../text/status-text.ts";
import { operationVerb } from "../verb.ts";

export const status = operationVerb({
  arguments: [
    { name: "SESSION", help: "an id, the beginning of one, or a name (default: the present one)", isOptional: true },
  ],
  options: [{ name: "lines", type: "integer", placeholder: "N", help: "most lines of each list (default: 10)" }],
  examples: ["perdure status", "perdure status 41abf8dc --json"],
  load: async () => (await import("../../operations/status.ts")).status,
  input: (args) => ({ session: args.text("SESSION"), lines: args.number("lines") ?? undefined }),
  text: statusText,
});
