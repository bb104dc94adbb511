/** `perdure facts list|show|confirm|edit` */

import { KIND_OPTION, listInput, STATUS_OPTION } from "../fact-options.ts";
import { pageInputOf, PAGE_OPTIONS } from "../list-options.ts";
import type { ArgumentSpec } from "../parse-arguments.ts";
import { textOrInput } from "../read-input.ts";
import { safeLine } from "../terminal/ansi.ts";
import { factLine, paintFactStatus } from "../text/fact-text.ts";
import { fieldLines } from "../text/fields.ts";
import { listText } from "../text/list-text.ts";
import { shortId } from "../text/names.ts";
import { formatInstant } from "../text/times.ts";
import { operationVerb } from "../verb.ts";

const FACT: ArgumentSpec = { name: "FACT", help: "its id, or the beginning of one" };

export const factsList = operationVerb({
  arguments: [],
  options: [
    KIND_OPTION,
    STATUS_OPTION,
    { name: "source", type: "text", placeholder: "SOURCE", help: "only from there" },
    ...PAGE_OPTIONS,
  ],
  notes: "`perdure facts` is short for it.",
  load: async () => (await import("../../operations/facts-list.ts")).factsList,
  input: (args) => ({
    kind: listInput(args, "kind"),
    status: listInput(args, "status"),
    source: args.text("source"),
    ...pageInputOf(args),
  }),
  text: (page, view) =>
    listText(page, {
      columns: [{ title: "fact" }, { title: "kind" }, { title: "status" }, { title: "text", isFlexible: true }],
      row: ({ id, kind, status, text }) => [
        { text: shortId(id), paint: (cell) => view.paint("bold", cell) },
        kind,
        { text: status, paint: (cell) => paintFactStatus(cell, status, view) },
        safeLine(text),
      ],
      empty: "No such facts.",
      view,
    }),
});

export const factsShow = operationVerb({
  arguments: [FACT],
  options: [{ name: "history", type: "boolean", help: "also what was said before" }],
  load: async () => (await import("../../operations/facts-show.ts")).factsShow,
  input: (args) => ({ fact: args.text("FACT"), history: args.flag("history") }),
  text(fact, view) {
    const { dependents, history } = fact;
    const fields = [
      ["id", fact.id],
      ["source", safeLine(fact.source)],
      ["trust", String(fact.trust)],
      ["version", String(fact.version)],
      ["replaces", fact.supersedesId === null ? null : shortId(fact.supersedesId)],
      ["built on", fact.dependsOn.length === 0 ? null : fact.dependsOn.map(shortId).join(", ")],
      ["created", formatInstant(fact.createdAt, view.now)],
      ["changed", formatInstant(fact.updatedAt, view.now)],
    ] as const;
    const events = (history ?? []).map(({ at, actor, verb, factId, text, note }) =>
      [
        `  ${view.paint("dim", formatInstant(at, view.now))}  ${shortId(factId)} ${verb} by ${safeLine(actor)}`,
        ...(text === null ? [] : [safeLine(text)]),
        ...(note === null ? [] : [safeLine(note)]),
      ].join(": "),
    );
    return [
      factLine(fact, view),
      ...fieldLines(fields, view.paint),
      ...(dependents.length === 0 ? [] : ["Built on it:", ...dependents.map((other) => `  ${factLine(other, view)}`)]),
      ...(history === null ? [] : ["History:", ...events]),
    ].join("\n");
  },
});

export const factsConfirm = operationVerb({
  arguments: [FACT],
  options: [{ name: "note", short: "m", type: "text", placeholder: "TEXT", help: "why it still holds" }],
  load: async () => (await import("../../operations/facts-confirm.ts")).factsConfirm,
  input: (args) => ({ fact: args.text("FACT"), note: args.text("note") }),
  text: (fact, view) => `Confirmed ${factLine(fact, view)}`,
});

export const factsEdit = operationVerb({
  arguments: [FACT, { name: "TEXT", help: "the fact in better words; - reads them from the standard input" }],
  options: [],
  notes: "It stays the same fact. What says something else is a new one: `perdure remember TEXT --supersedes FACT`.",
  load: async () => (await import("../../operations/facts-edit.ts")).factsEdit,
  input: (args) => ({ fact: args.text("FACT"), text: textOrInput(args.text("TEXT") ?? "") }),
  text: (fact, view) => `Now ${factLine(fact, view)}`,
});
