/** `perdure remember` and `perdure forget` */

import type { ArgumentSpec } from "../parse-arguments.ts";
import { textOrInput } from "../read-input.ts";
import { factLine, questionedLines } from "../text/fact-text.ts";
import { operationVerb } from "../verb.ts";

const FACT: ArgumentSpec = { name: "FACT", help: "its id, or the beginning of one" };

export const remember = operationVerb({
  arguments: [{ name: "TEXT", help: "what is to be remembered; - reads it from the standard input" }],
  options: [
    {
      name: "kind",
      short: "k",
      type: "text",
      placeholder: "KIND",
      values: ["decision", "pattern", "constraint", "finding"],
      help: "what it is (default: finding)",
    },
    { name: "source", type: "text", placeholder: "SOURCE", help: "where it comes from (default: person)" },
    { name: "trust", type: "number", placeholder: "N", help: "0–1, how sure it is (default: 1)" },
    { name: "supersedes", type: "text", placeholder: "FACT", help: "the fact it replaces" },
    { name: "depends-on", type: "text", placeholder: "FACT", isRepeated: true, help: "a fact it is built on" },
    { name: "again", type: "boolean", help: "also what a fact said that was replaced or forgotten" },
  ],
  notes: "What is known already is not recorded twice, also when a recalled line is handed back.",
  examples: [
    'perdure remember "We use SQLite: no server to run" --kind decision',
    'perdure remember "Money is kept in cents" --kind constraint --source docs/money.md',
  ],
  store: "on-use",
  load: async () => (await import("../../operations/remember.ts")).remember,
  input: (args) => ({
    text: textOrInput(args.text("TEXT") ?? ""),
    kind: args.text("kind") ?? undefined,
    source: args.text("source") ?? "person",
    trust: args.number("trust") ?? undefined,
    supersedes: args.text("supersedes"),
    dependsOn: args.list("depends-on"),
    again: args.flag("again"),
  }),
  text({ outcome, fact, superseded }, view) {
    const said = { recorded: "Remembered", known: "Known already:", outdated: "Not recorded:" }[outcome];
    const replaced = superseded === null ? [] : [`Replaced ${factLine(superseded.fact, view)}`];
    return [
      `${said} ${factLine(fact, view)}`,
      ...replaced,
      ...(superseded === null ? [] : questionedLines(superseded, view)),
    ].join("\n");
  },
  notices: ({ outcome }) =>
    outcome === "outdated" ? ["this was said before and no longer holds; --again records it all the same"] : [],
});

export const forget = operationVerb({
  arguments: [FACT],
  options: [{ name: "reason", short: "r", type: "text", placeholder: "TEXT", help: "why (default: forgotten)" }],
  notes: "It stays readable with `perdure facts show`, and what was built on it is questioned.",
  load: async () => (await import("../../operations/forget.ts")).forget,
  input: (args) => ({ fact: args.text("FACT"), reason: args.text("reason") ?? "forgotten" }),
  text: (fallen, view) => [`Forgot ${factLine(fallen.fact, view)}`, ...questionedLines(fallen, view)].join("\n"),
});
