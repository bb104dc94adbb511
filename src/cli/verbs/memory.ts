/** `perdure memory set|get|list|delete|clear|summary` */

import type { MemoryEntryJson } from "../../operations/json/memory.ts";
import { pageInputOf, PAGE_OPTIONS, SESSION_OPTION } from "../list-options.ts";
import type { View } from "../output.ts";
import type { ArgumentSpec } from "../parse-arguments.ts";
import { textOrInput } from "../read-input.ts";
import { safeLine, safeText } from "../terminal/ansi.ts";
import { listText } from "../text/list-text.ts";
import { formatRelative } from "../text/times.ts";
import { operationVerb } from "../verb.ts";

const KEY: ArgumentSpec = { name: "KEY", help: "what it is stored under" };

export const memorySet = operationVerb({
  arguments: [KEY, { name: "VALUE", help: "JSON, or else a text; - reads it from the standard input" }],
  options: [
    { name: "ttl", type: "text", placeholder: "TIME", help: "how long it lives, such as 90m; none is for ever" },
    {
      name: "importance",
      short: "i",
      type: "number",
      placeholder: "N",
      help: "0–1; less important entries make room first (default: 0.5)",
    },
    SESSION_OPTION,
  ],
  examples: [
    'perdure memory set build.command "npm run build"',
    "perdure memory set ports '[8080, 8081]' --ttl 2h --importance 0.9",
  ],
  store: "on-use",
  load: async () => (await import("../../operations/memory-set.ts")).memorySet,
  input: (args) => ({
    session: args.text("session"),
    key: args.text("KEY"),
    value: jsonOrText(textOrInput(args.text("VALUE") ?? "")),
    importance: args.number("importance") ?? undefined,
    ttl: args.text("ttl") ?? undefined,
  }),
  text({ entry, session, evicted }, view) {
    const made = evicted.length === 0 ? "" : `; made room: ${evicted.map(({ key }) => safeLine(key)).join(", ")}`;
    return `Stored ${safeLine(entry.key)} in session ${safeLine(session.name)}${lifeOf(entry, view)}${made}`;
  },
});

function jsonOrText(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    // What is no JSON is a text.
    return said;
  }
}

function lifeOf({ expiresAt }: MemoryEntryJson, { now }: View): string {
  return expiresAt === null ? "" : `, expires ${formatRelative(expiresAt, now)}`;
}

export const memoryGet = operationVerb({
  arguments: [KEY],
  options: [SESSION_OPTION],
  load: async () => (await import("../../operations/memory-get.ts")).memoryGet,
  input: (args) => ({ session: args.text("session"), key: args.text("KEY") }),
  // A text as it is, so that it can be used in a shell.
  text({ value }, { width }) {
    const text = typeof value === "string" ? value : JSON.stringify(value, null, width === null ? 0 : 2);
    return width === null ? text : safeText(text);
  },
});

export const memoryList = operationVerb({
  arguments: [],
  options: [
    { name: "prefix", type: "text", placeholder: "TEXT", help: "only keys that begin with it" },
    SESSION_OPTION,
    ...PAGE_OPTIONS,
  ],
  load: async () => (await import("../../operations/memory-list.ts")).memoryList,
  input: (args) => ({ session: args.text("session"), prefix: args.text("prefix"), ...pageInputOf(args) }),
  text: (page, view) =>
    listText(page, {
      columns: [
        { title: "key" },
        { title: "importance", align: "right" },
        { title: "bytes", align: "right" },
        { title: "expires" },
        { title: "value", isFlexible: true },
      ],
      row: ({ key, importance, sizeBytes, expiresAt, value }) => [
        { text: safeLine(key), paint: (text) => view.paint("bold", text) },
        String(importance),
        String(sizeBytes),
        expiresAt === null ? "never" : formatRelative(expiresAt, view.now),
        safeLine(JSON.stringify(value).slice(0, 200).toWellFormed()),
      ],
      empty: "Nothing is stored.",
      view,
    }),
});

export const memoryDelete = operationVerb({
  arguments: [KEY],
  options: [SESSION_OPTION],
  load: async () => (await import("../../operations/memory-delete.ts")).memoryDelete,
  input: (args) => ({ session: args.text("session"), key: args.text("KEY") }),
  text: ({ key }) => `Removed ${safeLine(key)}`,
});

export const memoryClear = operationVerb({
  arguments: [],
  options: [SESSION_OPTION],
  load: async () => (await import("../../operations/memory-clear.ts")).memoryClear,
  input: (args) => ({ session: args.text("session") }),
  text: ({ removed }) => `Removed ${removed} ${removed === 1 ? "entry" : "entries"}`,
});

export const memorySummary = operationVerb({
  arguments: [],
  options: [
    {
      name: "strategy",
      type: "text",
      placeholder: "HOW",
      values: ["recent", "important", "semantic"],
      help: "which entries come first (default: as configured)",
    },
    { name: "tokens", short: "t", type: "integer", placeholder: "N", help: "at most so many (default: as configured)" },
    SESSION_OPTION,
  ],
  notes: "semantic: what has to do with the running and the next tasks comes first.",
  load: async () => (await import("../../operations/memory-summary.ts")).memorySummary,
  input: (args) => ({
    session: args.text("session"),
    strategy: args.text("strategy") ?? undefined,
    tokens: args.number("tokens") ?? undefined,
  }),
  text: ({ text }) => safeText(text),
  notices: ({ notices }) => notices,
});
