/** What a coding agent's hook is told, in the one form that Claude Code, Codex and Gemini CLI all read. */

import * as v from "valibot";

import { isPerdureError } from "../base/errors.ts";
import { recoverLost } from "./manual-claims.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation, runOperation } from "./operation.ts";
import { status } from "./status.ts";

export const HOOK_EVENTS = ["session-start", "before-compaction", "stop"] as const;

export const agentHook = defineOperation({
  name: "agent-hook",
  summary: "Tells an agent's hook where the work stands: the brief at the start, a line for its user otherwise.",
  input: v.object({
    event: v.picklist(HOOK_EVENTS),
    /** Before a compaction: the brief in place of the line, for an agent that reads what its hook says then. */
    withBrief: v.optional(v.boolean(), false),
  }),
  output: v.object({
    /** For the user. */
    systemMessage: v.optional(v.string()),
    hookSpecificOutput: v.optional(v.object({ hookEventName: v.string(), additionalContext: v.string() })),
  }),
  async run(context, { event, withBrief }) {
    // What vanished agents held is ready again, and told as such.
    if (event !== "stop") await recoverLost(context);
    const line = await statusLine(context);
    // A project in which nothing was begun has nothing to tell.
    if (line === null) return {};
    const isStart = event === "session-start";
    if (!isStart && !(event === "before-compaction" && withBrief)) return { systemMessage: line };
    const { brief } = await import("./brief.ts");
    const { text } = await runOperation(brief, context, { input: {} });
    return {
      hookSpecificOutput: isStart
        ? { hookEventName: "SessionStart", additionalContext: `${AT_START}\n\n${text}` }
        : { hookEventName: "PreCompact", additionalContext: `${BEFORE_COMPACTION}\n\n${text}` },
    };
  },
});

const AT_START = "Where the work of this project stands, as Perdure has recorded it:";
const BEFORE_COMPACTION =
  "The work of this project is recorded by Perdure: keep in the summary which task is being worked on and what is not recorded yet, and that get_brief and next_task go on from there. What is recorded:";

async function statusLine(context: OperationContext): Promise<string | null> {
  try {
    const { session, counts, running, next, blocked } = await runOperation(status, context, { input: { lines: 3 } });
    const names = (tasks: readonly { readonly key: string | null; readonly title: string }[]): string =>
      tasks.map(({ key, title }) => key ?? title.slice(0, 40)).join(", ");
    return [
      `Perdure: ${session.name} is ${session.status}, ${counts.completed} of ${counts.total - counts.cancelled} tasks done`,
      ...(running.length === 0 ? [] : [`now ${names(running)}`]),
      ...(next.length === 0 ? [] : [`next ${names(next)}`]),
      ...(counts.blocked === 0 || blocked.length === 0 ? [] : [`${counts.blocked} blocked`]),
      ...(counts.failed === 0 ? [] : [`${counts.failed} failed`]),
    ].join("; ");
  } catch (error) {
    if (isPerdureError(error, "not-found")) return null;
    throw error;
  }
}
