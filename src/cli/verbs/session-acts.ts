/** `perdure session create|start|rename|complete|fail|stats|delete` */

import { counted } from "../../base/counted.ts";
import { formatDuration } from "../../base/duration.ts";
import { runOperation } from "../../operations/operation.ts";
import type { SessionJson } from "../../operations/json/session.ts";
import type { View } from "../output.ts";
import type { ArgumentSpec } from "../parse-arguments.ts";
import { safeLine } from "../terminal/ansi.ts";
import { fieldLines } from "../text/fields.ts";
import { shortId } from "../text/names.ts";
import { sessionLine } from "../text/session-line.ts";
import type { Verb } from "../verb.ts";
import { operationVerb } from "../verb.ts";

const NAMED: ArgumentSpec = { name: "SESSION", help: "an id, the beginning of one, or a name" };
const PRESENT: ArgumentSpec = {
  ...NAMED,
  help: "an id, the beginning of one, or a name (default: the present one)",
  isOptional: true,
};

export const sessionCreate = operationVerb({
  arguments: [{ name: "NAME", help: "what it is called" }],
  options: [
    { name: "goal", type: "text", placeholder: "TEXT", help: "what is to be reached" },
    { name: "agent", type: "text", placeholder: "NAME", help: "the agent that works in it" },
    { name: "user", type: "text", placeholder: "NAME", help: "the user it works for" },
    { name: "ensure", type: "boolean", help: "take the newest open one of that agent and user, if there is one" },
    { name: "start", type: "boolean", isOn: true, help: "let it wait: nothing is worked in it until it is started" },
    { name: "concurrency", short: "c", type: "integer", placeholder: "N", help: "tasks to run side by side" },
  ],
  examples: [
    "perdure session create research --goal 'Find three suppliers'",
    "perdure session create chat --agent support --user ann --ensure",
  ],
  store: "on-use",
  load: async () => (await import("../../operations/session-create.ts")).sessionCreate,
  input: (args) => ({
    name: args.text("NAME"),
    goal: args.text("goal"),
    agent: args.text("agent"),
    user: args.text("user"),
    concurrency: args.number("concurrency"),
    ensure: args.flag("ensure"),
    start: args.flag("start"),
  }),
  text: line,
});

function line(session: SessionJson, view: View): string {
  return sessionLine(session, view);
}

export const sessionStart = operationVerb({
  arguments: [PRESENT],
  options: [],
  load: async () => (await import("../../operations/session-start.ts")).sessionStart,
  input: (args) => ({ session: args.text("SESSION") }),
  text: line,
});

export const sessionRename = operationVerb({
  arguments: [NAMED, { name: "NAME", help: "what it is called from now on" }],
  options: [],
  load: async () => (await import("../../operations/session-rename.ts")).sessionRename,
  input: (args) => ({ session: args.text("SESSION"), name: args.text("NAME") }),
  text: line,
});

export const sessionComplete = operationVerb({
  arguments: [NAMED, { name: "NOTE", help: "what came of it", isOptional: true }],
  options: [],
  notes: "Refused while tasks of it are unfinished.",
  load: async () => (await import("../../operations/session-end.ts")).sessionComplete,
  input: (args) => ({ session: args.text("SESSION"), note: args.text("NOTE") }),
  text: line,
});

export const sessionFail = operationVerb({
  arguments: [NAMED, { name: "REASON", help: "why", isOptional: true }],
  options: [],
  notes:
    "Nothing more is taken up in it, and what runs stops at its next step boundary. `perdure resume` opens it again.",
  load: async () => (await import("../../operations/session-end.ts")).sessionFail,
  input: (args) => ({ session: args.text("SESSION"), note: args.text("REASON") }),
  text: (session, view) =>
    `${sessionLine(session, view)}${session.executions.length === 0 ? "" : `  ${session.executions.length} running asked to stop`}`,
});

export const sessionStats = operationVerb({
  arguments: [PRESENT],
  options: [],
  load: async () => (await import("../../operations/session-stats.ts")).sessionStats,
  input: (args) => ({ session: args.text("SESSION") }),
  text(stats, view) {
    const { session, counts, taskDurations, executions, messages, memory, artifacts } = stats;
    const fields = [
      ["tasks", words(counts, "none")],
      [
        "durations",
        taskDurations.meanMs === null || taskDurations.longestMs === null
          ? null
          : `${formatDuration(taskDurations.totalMs)} in all, ${formatDuration(taskDurations.meanMs)} on average, ${formatDuration(taskDurations.longestMs)} the longest`,
      ],
      ["executions", words(executions, "none")],
      ["attempts", `${stats.attempts}, ${stats.retries} of them retries`],
      ["steps", String(stats.steps)],
      ["messages", `${messages.count}, ${messages.tokenCount} tokens`],
      ["memory", `${memory.entries} entries, ${memory.sizeBytes} bytes`],
      ["checkpoints", String(stats.checkpoints)],
      ["artifacts", `${artifacts.count}, ${artifacts.sizeBytes} bytes`],
      ["changes", String(stats.changes)],
      ["active", formatDuration(stats.activeMs)],
    ] as const;
    return [sessionLine(session, view), ...fieldLines(fields, view.paint)].join("\n");
  },
});

function words(counts: Readonly<Record<string, number>>, none: string): string {
  const there = Object.entries(counts).filter(([state, count]) => state !== "total" && count > 0);
  return there.length === 0 ? none : there.map(([state, count]) => `${count} ${state.replaceAll("_", " ")}`).join(", ");
}

export const sessionDelete: Verb = {
  arguments: [NAMED],
  options: [{ name: "yes", short: "y", type: "boolean", help: "do not ask" }],
  notes: "Its tasks, messages, memory and checkpoints go with it, for good. `perdure session export` keeps a copy.",
  async run({ args, output, open }) {
    const project = await open("existing");
    let input = { session: args.text("SESSION") };
    if (!args.flag("yes")) {
      const { sessionShow } = await import("../../operations/session-show.ts");
      const { id, name, counts } = await runOperation(sessionShow, project, { input });
      const { confirm } = await import("../terminal/confirm.ts");
      const what = `session ${safeLine(name)} (${shortId(id)}) with its ${counted(counts.total, "task")}`;
      if (!(await confirm(`Delete ${what} for good?`))) {
        output.remark("Nothing was deleted.");
        return 0;
      }
      // The one that was named, whatever has come to be called so meanwhile.
      input = { session: id };
    }
    const { sessionDelete: operation } = await import("../../operations/session-delete.ts");
    const deleted = await runOperation(operation, project, { input });
    if (output.isJson) output.printData(deleted);
    else
      output.print(
        `Deleted ${safeLine(deleted.session.name)} (${shortId(deleted.session.id)}): ${counted(deleted.rows, "row")}`,
      );
    return 0;
  },
};
