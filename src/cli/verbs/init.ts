/** `perdure init` */

import { safeLine } from "../terminal/ansi.ts";
import { operationVerb } from "../verb.ts";

export const init = operationVerb({
  arguments: [],
  options: [
    { name: "agents", type: "boolean", help: "also write settings for coding agents (comes with a later version)" },
  ],
  notes: "Creates .perdure/ and a commented perdure.yaml in this directory. What is there already is left as it is.",
  store: "new",
  load: async () => (await import("../../operations/init.ts")).init,
  input: (args) => ({ agents: args.flag("agents") }),
  text({ projectDir, created, existing }) {
    const lines = [`${safeLine(projectDir)} is a Perdure project.`];
    if (created.length > 0) lines.push(`created  ${created.join(", ")}`);
    if (existing.length > 0) lines.push(`kept     ${existing.join(", ")}`);
    return [...lines, "Go on with `perdure run PLAN` or `perdure task add TITLE`."].join("\n");
  },
});
