/** `perdure interrupt` */

import { safeLine } from "../terminal/ansi.ts";
import { shortId } from "../text/names.ts";
import { operationVerb } from "../verb.ts";

export const interrupt = operationVerb({
  arguments: [
    {
      name: "TARGET",
      help: "an execution or a session: an id, the beginning of one, or a session's name (default: the present session)",
      isOptional: true,
    },
  ],
  options: [],
  notes: "What runs stops at its next step boundary, in whichever process. `perdure resume` continues.",
  load: async () => (await import("../../operations/interrupt.ts")).interrupt,
  input: (args) => ({ target: args.text("TARGET") }),
  text({ executions, session }) {
    const asked = executions.length === 0 ? "Nothing runs" : `Asked ${executions.map(shortId).join(", ")} to stop`;
    if (session === null) return `${asked}.`;
    return `${asked}; session ${safeLine(session.name)} is ${session.status}. \`perdure resume ${shortId(session.id)}\` continues.`;
  },
});
