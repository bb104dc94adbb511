/** `perdure checkpoint create|list|show|restore|fork|diff` */

import { counted } from "../../base/counted.ts";
import type { CheckpointJson } from "../../operations/json/checkpoint.ts";
import { pageInputOf, PAGE_OPTIONS } from "../list-options.ts";
import type { View } from "../output.ts";
import type { ArgumentSpec, OptionSpec } from "../parse-arguments.ts";
import { safeLine } from "../terminal/ansi.ts";
import { fieldLines } from "../text/fields.ts";
import { listText } from "../text/list-text.ts";
import { shortId } from "../text/names.ts";
import { paintStatus } from "../text/status-text.ts";
import { formatInstant, formatRelative } from "../text/times.ts";
import { operationVerb } from "../verb.ts";

const CHECKPOINT: ArgumentSpec = { name: "CHECKPOINT", help: "an id, the beginning of one, or a label" };
const SESSION: OptionSpec = {
  name: "session",
  type: "text",
  placeholder: "SESSION",
  help: "an id, the beginning of one, or a name (default: the present one)",
};

export const checkpointCreate = operationVerb({
  arguments: [{ name: "LABEL", help: "what to call it (default: manual)", isOptional: true }],
  options: [
    SESSION,
    { name: "workspace", type: "boolean", help: "with a snapshot of the project's files (default: as configured)" },
  ],
  notes: "A snapshot leaves out what .gitignore and .perdureignore name, and never touches your git repository.",
  examples: ['perdure checkpoint create "before the rewrite"', "perdure checkpoint create --workspace"],
  load: async () => (await import("../../operations/checkpoint-create.ts")).checkpointCreate,
  input: (args) => ({
    session: args.text("session"),
    label: args.text("LABEL"),
    workspace: args.flag("workspace") ? true : null,
  }),
  text: checkpointLine,
});

export const checkpointList = operationVerb({
  arguments: [{ name: "SESSION", help: "an id, the beginning of one, or a name", isOptional: true }],
  options: [
    {
      name: "kind",
      type: "text",
      placeholder: "KIND",
      isRepeated: true,
      help: "only manual, automatic, before_restore or final",
    },
    ...PAGE_OPTIONS,
  ],
  load: async () => (await import("../../operations/checkpoint-list.ts")).checkpointList,
  input: (args) => ({
    session: args.text("SESSION"),
    kind: args.list("kind").length === 0 ? undefined : args.list("kind").join(","),
    ...pageInputOf(args),
  }),
  text: (page, view) =>
    listText(page, {
      columns: [
        { title: "checkpoint" },
        { title: "kind" },
        { title: "seq", align: "right" },
        { title: "made" },
        { title: "label", isFlexible: true },
      ],
      row: ({ id, kind, seq, createdAt, label }) => [
        { text: shortId(id), paint: (text) => view.paint("bold", text) },
        kind.replaceAll("_", " "),
        String(seq),
        formatInstant(createdAt, view.now),
        safeLine(label),
      ],
      empty: "No such checkpoints.",
      view,
    }),
});

export const checkpointShow = operationVerb({
  arguments: [CHECKPOINT],
  options: [],
  load: async () => (await import("../../operations/checkpoint-show.ts")).checkpointShow,
  input: (args) => ({ checkpoint: args.text("CHECKPOINT") }),
  text(checkpoint, view) {
    const { environment, changesSince, problem, differences } = checkpoint;
    const { gitCommit, isGitDirty, changedFiles } = environment;
    const commit = gitCommit === null ? null : `${gitCommit.slice(0, 12)}${isGitDirty ? ", with changes" : ""}`;
    const more = changedFiles.length > 5 ? `, and ${changedFiles.length - 5} more` : "";
    const fields = [
      ["id", checkpoint.id],
      ["session", checkpoint.sessionId],
      ["made", `${formatInstant(checkpoint.createdAt, view.now)} (${formatRelative(checkpoint.createdAt, view.now)})`],
      ["at change", String(checkpoint.seq)],
      ["since then", changesSince === null ? null : `${changesSince} changes`],
      ["damaged", problem === null ? null : safeLine(problem)],
      ["workspace", checkpoint.workspace],
      ["Perdure", `${environment.perdureVersion}, schema ${environment.schemaVersion}`],
      ["Node", `${environment.nodeVersion} on ${environment.platform}`],
      ["commit", commit],
      ["changed", changedFiles.length === 0 ? null : safeLine(changedFiles.slice(0, 5).join(", ") + more)],
      ["different", differences.length === 0 ? null : safeLine(differences.map(({ message }) => message).join("; "))],
    ] as const;
    return [checkpointLine(checkpoint, view), ...fieldLines(fields, view.paint)].join("\n");
  },
});

function checkpointLine({ id, label, kind }: CheckpointJson, { paint }: Pick<View, "paint">): string {
  return `${paint("bold", safeLine(label))}  ${kind.replaceAll("_", " ")}  ${paint("dim", shortId(id))}`;
}

export const checkpointRestore = operationVerb({
  arguments: [CHECKPOINT],
  options: [
    {
      name: "wait",
      type: "text",
      placeholder: "TIME",
      help: "for what runs to stop before it is cut off (default: 10s)",
    },
    { name: "force", type: "boolean", help: "also into an environment that does not fit" },
    { name: "workspace", type: "boolean", help: "the project's files too, from the checkpoint's snapshot" },
  ],
  notes: [
    "What is replaced is kept as a checkpoint of its own, so this can be undone. What runs is stopped first. Steps with an",
    "effect outside that were done since are named: they took place, and would take place again.",
  ].join("\n"),
  examples: ["perdure checkpoint restore 41abf8dc", "perdure checkpoint restore 41abf8dc --wait 1m"],
  load: async () => (await import("../../operations/checkpoint-restore.ts")).checkpointRestore,
  input: (args) => ({
    checkpoint: args.text("CHECKPOINT"),
    force: args.flag("force"),
    wait: args.text("wait") ?? undefined,
    workspace: args.flag("workspace"),
  }),
  text({ session, checkpoint, undo, rows, files }, { paint }) {
    const { added, changed, removed } = rows;
    return [
      `${paint("bold", safeLine(session.name))}  ${paintStatus(paint, session.status)}  is as it was at ${safeLine(checkpoint.label)} (${shortId(checkpoint.id)})`,
      `  ${counted(added, "row")} brought back, ${changed} changed, ${removed} removed`,
      ...(files === null ? [] : [`  ${counted(files.written, "file")} written, ${files.deleted} deleted`]),
      `  undo with \`perdure checkpoint restore ${shortId(undo.id)}${files === null ? "" : " --workspace"}\``,
    ].join("\n");
  },
  notices: ({ notices }) => notices,
});

export const checkpointFork = operationVerb({
  arguments: [CHECKPOINT],
  options: [{ name: "name", type: "text", placeholder: "NAME", help: "of the new session" }],
  notes: "The new session is paused: `perdure resume` with its id works it. Its source is left as it is.",
  examples: ['perdure checkpoint fork 41abf8dc --name "with the other library"'],
  load: async () => (await import("../../operations/checkpoint-fork.ts")).checkpointFork,
  input: (args) => ({ checkpoint: args.text("CHECKPOINT"), name: args.text("name") }),
  text: ({ session }, { paint }) =>
    [
      `${paint("bold", safeLine(session.name))}  ${paintStatus(paint, session.status)}  ${paint("dim", shortId(session.id))}`,
      `  go on with it: \`perdure resume ${shortId(session.id)}\``,
    ].join("\n"),
});

export const checkpointDiff = operationVerb({
  arguments: [
    CHECKPOINT,
    { name: "OTHER", help: "another checkpoint of the session (default: the present)", isOptional: true },
  ],
  options: [{ name: "limit", type: "integer", placeholder: "N", help: "lines to show at most (default: 100)" }],
  load: async () => (await import("../../operations/checkpoint-diff.ts")).checkpointDiff,
  input: (args) => ({
    from: args.text("CHECKPOINT"),
    to: args.text("OTHER"),
    limit: args.number("limit") ?? undefined,
  }),
  text({ from, to, isSame, lines, counts }, { paint }) {
    const ends = `${safeLine(from.label)} (${shortId(from.id)}) → ${to === null ? "now" : `${safeLine(to.label)} (${shortId(to.id)})`}`;
    const more = (counts.lines ?? 0) - lines.length;
    return [
      paint("bold", ends),
      ...(isSame ? ["  nothing differs"] : lines.map((line) => `  ${safeLine(line)}`)),
      ...(more > 0 ? [paint("dim", `  … and ${more} more: --limit shows them`)] : []),
    ].join("\n");
  },
});
