/** `perdure context show` */

import type { MessageJson } from "../../operations/json/message.ts";
import { pageInputOf, PAGE_OPTIONS } from "../list-options.ts";
import { safeLine } from "../terminal/ansi.ts";
import { listText } from "../text/list-text.ts";
import { operationVerb } from "../verb.ts";

export const contextShow = operationVerb({
  arguments: [
    { name: "SESSION", help: "an id, the beginning of one, or a name (default: the present one)", isOptional: true },
  ],
  options: [
    {
      name: "order",
      type: "text",
      placeholder: "ORDER",
      values: ["newest", "oldest"],
      help: "which end to begin at (default: newest)",
    },
    ...PAGE_OPTIONS,
  ],
  load: async () => (await import("../../operations/message-list.ts")).messageList,
  input: (args) => ({
    session: args.text("SESSION"),
    order: args.text("order") ?? undefined,
    ...pageInputOf(args),
  }),
  text(page, view) {
    return listText(page, {
      columns: [
        { title: "at", align: "right" },
        { title: "role" },
        { title: "tokens", align: "right" },
        { title: "message", isFlexible: true },
      ],
      row: (message) => [
        String(message.position),
        { text: message.role, paint: (text) => view.paint("bold", text) },
        String(message.tokenCount),
        preview(message),
      ],
      empty: "No messages.",
      view,
    });
  },
  remarks: ({ totals }) => (totals.count === 0 ? [] : [`${totals.count} messages, ${totals.tokenCount} tokens`]),
});

const PREVIEW_CHARS = 400;

function preview({ parts }: MessageJson): string {
  const words = parts.map((part) => {
    if (typeof part !== "object" || part === null) return String(part);
    if ("text" in part && typeof part.text === "string") return part.text;
    const type = "type" in part ? String(part.type) : "part";
    return "toolName" in part ? `[${type} ${String(part.toolName)}]` : `[${type}]`;
  });
  return safeLine(words.join(" ").slice(0, PREVIEW_CHARS));
}
