/** `perdure hook` */

import type * as v from "valibot";

import { messageOf } from "../../base/errors.ts";
import type { agentHook } from "../../operations/agent-hook.ts";
import type { Brief } from "../../operations/brief.ts";
import { writeError } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import type { Call, Verb } from "../verb.ts";

export const hook: Verb = {
  arguments: [{ name: "EVENT", help: "session-start, before-compaction or stop" }],
  options: [
    {
      name: "text",
      type: "boolean",
      help: "before-compaction: print the brief as text, which Claude Code hands to whoever writes the summary",
    },
  ],
  notes: [
    "Coding agents call it, as `perdure init --agents` tells them to. Prints the JSON their hooks read: the brief at the",
    "start of a session, a line on where the work stands otherwise. Never stands in an agent's way: what goes wrong is told",
    "on stderr, and nothing is printed but {}.",
  ].join("\n"),
  examples: ["perdure hook session-start"],
  async run(call) {
    // Whatever comes in on stdin tells nothing that is needed here.
    const answer = await answerOf(call);
    const isText = call.args.flag("text");
    call.output.print(isText ? (answer.hookSpecificOutput?.additionalContext ?? "") : JSON.stringify(answer));
    return 0;
  },
};

type Answer = v.InferInput<(typeof agentHook)["output"]>;

async function answerOf({ args, open }: Call): Promise<Answer> {
  try {
    const project = await open("existing");
    const [{ agentHook: operation }, { runOperation }, { toBriefText }] = await Promise.all([
      import("../../operations/agent-hook.ts"),
      import("../../operations/operation.ts"),
      import("../../mcp/brief-text.ts"),
    ]);
    const input = { event: args.text("EVENT"), withBrief: args.flag("text") };
    const told = await runOperation(operation, project, { input });
    const { hookSpecificOutput: context } = told;
    if (context === undefined) return told;
    // An agent has tools where a person has commands.
    const session: Pick<Brief, "session">["session"] = { id: "", name: "", status: "active", goal: null };
    const additionalContext = toBriefText({ text: context.additionalContext, session });
    return { hookSpecificOutput: { ...context, additionalContext } };
  } catch (error) {
    writeError(`hook: ${safeLine(messageOf(error))}`);
    return {};
  }
}
