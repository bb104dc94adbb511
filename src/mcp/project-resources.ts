/** What a client may read by its address: the brief, a task, a session. */

import type { ReadResourceResult } from "@modelcontextprotocol/server";

import { brief } from "../operations/brief.ts";
import { isPerdureError } from "../base/errors.ts";
import type { OperationContext } from "../operations/operation.ts";
import { runOperation } from "../operations/operation.ts";
import { sessionShow } from "../operations/session-show.ts";
import { taskShow } from "../operations/task-show.ts";
import { ANSWER_LIMITS } from "./answer-limits.ts";
import { NO_PROJECT } from "./before-project.ts";
import { toBriefText } from "./brief-text.ts";
import type { McpResources } from "./surface.ts";

const BRIEF = "perdure://brief";
const BRIEF_TOKENS = 2_000;

export function projectResources(context: OperationContext): McpResources {
  return {
    list: async () => [
      {
        uri: BRIEF,
        name: "brief",
        title: "The brief",
        description: "Where the work stands",
        mimeType: "text/plain",
      },
    ],
    templates: [
      {
        uriTemplate: "perdure://tasks/{id}",
        name: "task",
        title: "A task",
        description: "With its steps, executions and artifacts",
        mimeType: "application/json",
      },
      {
        uriTemplate: "perdure://sessions/{id}",
        name: "session",
        title: "A session",
        description: "With its counts and progress",
        mimeType: "application/json",
      },
    ],
    async read(uri) {
      if (uri === BRIEF) {
        if (context.isBegun === false) return { contents: [{ uri, mimeType: "text/plain", text: NO_PROJECT }] };
        const told = await runOperation(brief, context, { input: { tokens: BRIEF_TOKENS } });
        return { contents: [{ uri, mimeType: "text/plain", text: toBriefText(told) }] };
      }
      const found = /^perdure:\/\/(tasks|sessions)\/([^/?#]+)$/.exec(uri);
      const reference = found === null ? null : decode(found[2] ?? "");
      if (reference === null || context.isBegun === false) return null;
      try {
        const data =
          found?.[1] === "tasks"
            ? await runOperation(taskShow, context, { input: { task: reference } })
            : await runOperation(sessionShow, context, { input: { session: reference } });
        return jsonContent(uri, data);
      } catch (error) {
        if (isPerdureError(error, "not-found") || isPerdureError(error, "invalid-input")) return null;
        throw error;
      }
    },
  };
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** One too large is cut to its beginning, which is no JSON any more and says so. */
function jsonContent(uri: string, data: unknown): ReadResourceResult {
  const text = JSON.stringify(data, null, 1);
  if (Buffer.byteLength(text) <= ANSWER_LIMITS.resourceBytes) {
    return { contents: [{ uri, mimeType: "application/json", text }] };
  }
  const kept = Buffer.from(text).subarray(0, ANSWER_LIMITS.resourceBytes).toString("utf8");
  return { contents: [{ uri, mimeType: "text/plain", text: `${kept}\n… cut: the whole is larger` }] };
}
