/** `perdure task add` and `perdure task edit` */

import { jsonOption } from "../json-option.ts";
import { listOption, SESSION_OPTION } from "../list-options.ts";
import type { OptionSpec, ParsedArguments } from "../parse-arguments.ts";
import { taskLine } from "../text/task-text.ts";
import { operationVerb } from "../verb.ts";

const COMMON: readonly OptionSpec[] = [
  { name: "description", type: "text", placeholder: "TEXT", help: "what is to be done, at length" },
  { name: "run", type: "text", placeholder: "LINE", help: "a shell line that does it" },
  { name: "priority", short: "p", type: "integer", placeholder: "N", help: "1–10, higher is more urgent (default: 5)" },
  { name: "needs", type: "text", placeholder: "TASK", isRepeated: true, help: "a task that must be completed before" },
  { name: "retries", type: "integer", placeholder: "N", help: "how often it is tried again (default: 3)" },
  { name: "timeout", type: "text", placeholder: "TIME", help: "for one attempt, such as 10m; none is no limit" },
  { name: "labels", type: "text", placeholder: "A,B", help: "labels a worker must have to run it" },
  {
    name: "limit",
    type: "text",
    placeholder: "KEY",
    help: "one at a time of all tasks with this key; none for no limit",
  },
  { name: "limit-concurrency", type: "integer", placeholder: "N", help: "so many at a time of that key" },
  { name: "limit-rate", type: "text", placeholder: "RATE", help: "so many starts of that key, such as 100/1m" },
  { name: "weight", type: "number", placeholder: "N", help: "its share in the progress of the whole (default: 1)" },
];

function commonInput(args: ParsedArguments) {
  return {
    description: args.text("description") ?? undefined,
    run: args.text("run") ?? undefined,
    priority: args.number("priority") ?? undefined,
    needs: args.list("needs").length === 0 ? undefined : args.list("needs").flatMap((names) => names.split(",")),
    retries: args.number("retries") ?? undefined,
    timeout: args.text("timeout") ?? undefined,
    weight: args.number("weight") ?? undefined,
    labels: listOption(args, "labels"),
    limit: limitOption(args),
  };
}

function limitOption(args: ParsedArguments) {
  const [key, concurrency, rate] = [args.text("limit"), args.number("limit-concurrency"), args.text("limit-rate")];
  if (concurrency === null && rate === null) return key ?? undefined;
  return { key: key ?? "", concurrency, rate };
}

export const taskAdd = operationVerb({
  arguments: [{ name: "TITLE", help: "what is to be done" }],
  options: [
    { name: "key", type: "text", placeholder: "KEY", help: "a name to refer to it by" },
    { name: "manual", type: "text", placeholder: "TEXT", help: "instructions for whoever does it by hand" },
    { name: "executor", type: "text", placeholder: "NAME", help: "what carries it out (default: a person)" },
    { name: "input", type: "text", placeholder: "JSON", help: "what the executor gets" },
    { name: "parent", type: "text", placeholder: "TASK", help: "the task it is a part of" },
    {
      name: "schedule",
      type: "text",
      placeholder: "WHEN",
      help: "such as: daily 07:00, every 15m, in 30m, cron 0 7 * * 1-5",
    },
    {
      name: "overlap",
      type: "text",
      placeholder: "HOW",
      values: ["skip", "queue"],
      help: "when an occurrence still runs",
    },
    { name: "catch-up", type: "text", placeholder: "HOW", values: ["skip", "last", "all"], help: "missed occurrences" },
    ...COMMON,
    SESSION_OPTION,
  ],
  examples: [
    'perdure task add "Write the docs" --priority 8',
    'perdure task add "Build" --key build --run "npm run build"',
    'perdure task add "Digest" --run ./digest.sh --schedule "daily 07:00 Europe/Berlin"',
  ],
  store: "on-use",
  load: async () => (await import("../../operations/task-add.ts")).taskAdd,
  input: (args) => ({
    ...commonInput(args),
    title: args.text("TITLE"),
    key: args.text("key"),
    manual: args.text("manual") ?? undefined,
    executor: args.text("executor") ?? undefined,
    input: jsonOption(args, "input"),
    parent: args.text("parent"),
    schedule: args.text("schedule"),
    overlap: args.text("overlap") ?? undefined,
    catchUp: args.text("catch-up") ?? undefined,
    session: args.text("session"),
  }),
  text: (task, view) => `Added ${taskLine(task, view)}`,
});

export const taskEdit = operationVerb({
  arguments: [{ name: "TASK", help: "its key in the plan, its id, or the beginning of one" }],
  options: [
    { name: "title", type: "text", placeholder: "TEXT", help: "its title" },
    { name: "run-at", type: "text", placeholder: "TIME", help: "not before then, as 2026-12-01T09:00:00Z" },
    ...COMMON,
  ],
  notes: "--needs replaces those before. What a task does and needs can be changed only before it has run.",
  examples: ["perdure task edit build --priority 9 --retries 0"],
  load: async () => (await import("../../operations/task-edit.ts")).taskEdit,
  input: (args) => ({
    ...commonInput(args),
    task: args.text("TASK"),
    title: args.text("title") ?? undefined,
    runAt: args.text("run-at") ?? undefined,
  }),
  text: taskLine,
});
