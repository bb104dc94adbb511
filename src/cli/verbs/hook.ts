/** `perdure hook` */

import { messageOf } from "../../base/errors.ts";
import type { Brief } from "../../operations/brief.ts";
import { writeError } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import type { Call, Verb } from "../verb.ts";

export const hook: Verb = {
  arguments: [{ name: "EVENT", help: "session-start, before-compaction or stop" }],
  options: [],
  notes: [
    "Coding agents call it, as `perdure init --agents` tells them to. Prints the JSON their hooks read: the brief at the",
    "start of a session, a line on where the work stands otherwise. Never stands in an agent's way: what goes wrong is told",
    "on stderr, and nothing is printed but {}.",
  ].join("\n"),
  examples: ["perdure hook session-start"],
  async run(call) {
    // Whatever comes in on stdin tells nothing that is needed here.
    call.output.print(JSON.stringify(await answerOf(call)));
    return 0;
  },
};

async function answerOf({ args, open }: Call): Promise<object> {
  try {
    const project = await open("existing");
    const [{ agentHook }, { runOperation }, { toBriefText }] = await Promise.all([
      import("../../operations/agent-hook.ts"),
      import("../../operations/operation.ts"),
      import("../../mcp/brief-text.ts"),
    ]);
    const told = await runOperation(agentHook, project, { input: { event: args.text("EVENT") } });
    const { hookSpecificOutput: start } = told;
    if (start === undefined) return told;
    // An agent has tools where a person has commands.
    const session: Pick<Brief, "session">["session"] = { id: "", name: "", status: "active", goal: null };
    const additionalContext = toBriefText({ text: start.additionalContext, session });
    return { hookSpecificOutput: { ...start, additionalContext } };
  } catch (error) {
    writeError(`hook: ${safeLine(messageOf(error))}`);
    return {};
  }
}
