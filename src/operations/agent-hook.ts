/** What a coding agent's hook is told, in the one form that Claude Code, Codex and Gemini CLI all read. */

import * as v from "valibot";

import { isPerdureError } from "../base/errors.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation, runOperation } from "./operation.ts";
import { status } from "./status.ts";

export const HOOK_EVENTS = ["session-start", "before-compaction", "stop"] as const;

export const agentHook = defineOperation({
  name: "agent-hook",
  summary: "Tells an agent's hook where the work stands: the brief at the start, a line for its user otherwise.",
  input: v.object({ event: v.picklist(HOOK_EVENTS) }),
  output: v.object({
    /** For the user. */
    systemMessage: v.optional(v.string()),
    hookSpecificOutput: v.optional(v.object({ hookEventName: v.string(), additionalContext: v.string() })),
  }),
  async run(context, { event }) {
    const line = await statusLine(context);
    // A project in which nothing was begun has nothing to tell.
    if (line === null) return {};
    if (event !== "session-start") return { systemMessage: line };
    const { brief } = await import("./brief.ts");
    const { text } = await runOperation(brief, context, { input: {} });
    const additionalContext = `Where the work of this project stands, as Perdure has recorded it:\n\n${text}`;
    return { hookSpecificOutput: { hookEventName: "SessionStart", additionalContext } };
  },
});

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
