/** What a person or an agent does with a task: `perdure task start|progress|done|fail|block|cancel|retry` */

import { jsonOption } from "../json-option.ts";
import type { ArgumentSpec, OptionSpec } from "../parse-arguments.ts";
import { taskLine } from "../text/task-text.ts";
import { operationVerb } from "../verb.ts";

const TASK: ArgumentSpec = { name: "TASK", help: "its key in the plan, its id, or the beginning of one" };
const AS: OptionSpec = {
  name: "as",
  type: "text",
  placeholder: "NAME",
  help: "who does it; refused when another claimed the task",
};

export const taskStart = operationVerb({
  arguments: [TASK],
  options: [{ name: "as", type: "text", placeholder: "NAME", help: "who takes it (default: agent)" }],
  load: async () => (await import("../../operations/task-start.ts")).taskStart,
  input: (args) => ({ task: args.text("TASK"), as: args.text("as") ?? undefined }),
  text: taskLine,
});

export const taskProgress = operationVerb({
  arguments: [TASK],
  options: [
    { name: "percent", type: "number", placeholder: "N", help: "0–100" },
    { name: "step", type: "integer", placeholder: "N", help: "the step it is at" },
    { name: "steps", type: "integer", placeholder: "N", help: "how many steps there are" },
    { name: "message", short: "m", type: "text", placeholder: "TEXT", help: "what is going on" },
    { name: "milestone", type: "text", placeholder: "NAME", help: "one that was reached" },
    AS,
  ],
  examples: ['perdure task progress docs --percent 40 --message "half the chapters"'],
  load: async () => (await import("../../operations/task-progress.ts")).taskProgress,
  input: (args) => ({
    task: args.text("TASK"),
    percent: args.number("percent") ?? undefined,
    currentStep: args.number("step") ?? undefined,
    totalSteps: args.number("steps") ?? undefined,
    message: args.text("message") ?? undefined,
    milestone: args.text("milestone") ?? undefined,
    as: args.text("as") ?? undefined,
  }),
  text: (task, view) => `${taskLine(task, view)}  ${Number(task.progress.percent.toFixed(1))}%`,
});

export const taskDone = operationVerb({
  arguments: [TASK],
  options: [
    { name: "evidence", short: "e", type: "text", placeholder: "TEXT", help: "what shows that it is done" },
    { name: "result", type: "text", placeholder: "JSON", help: "its result" },
    { name: "force", type: "boolean", help: "also when it waits for others, or another has claimed it" },
    AS,
  ],
  examples: ['perdure task done review --evidence "approved in #12"'],
  load: async () => (await import("../../operations/task-done.ts")).taskDone,
  input: (args) => ({
    task: args.text("TASK"),
    evidence: args.text("evidence") ?? undefined,
    result: jsonOption(args, "result"),
    force: args.flag("force"),
    as: args.text("as") ?? undefined,
  }),
  text: taskLine,
});

export const taskFail = operationVerb({
  arguments: [TASK, { name: "MESSAGE", help: "why" }],
  options: [{ name: "final", type: "boolean", help: "do not try it again, whatever its retries allow" }, AS],
  load: async () => (await import("../../operations/task-fail.ts")).taskFail,
  input: (args) => ({
    task: args.text("TASK"),
    message: args.text("MESSAGE"),
    final: args.flag("final"),
    as: args.text("as") ?? undefined,
  }),
  text: taskLine,
});

export const taskBlock = operationVerb({
  arguments: [TASK, { name: "REASON", help: "why" }],
  options: [AS],
  notes: "It stays aside until `perdure task retry TASK`.",
  load: async () => (await import("../../operations/task-block.ts")).taskBlock,
  input: (args) => ({ task: args.text("TASK"), reason: args.text("REASON"), as: args.text("as") ?? undefined }),
  text: taskLine,
});

export const taskCancel = operationVerb({
  arguments: [TASK, { name: "REASON", help: "why", isOptional: true }],
  options: [],
  notes:
    "What runs is stopped. Every unfinished task below it is cancelled too. `perdure task retry TASK` opens it again.",
  load: async () => (await import("../../operations/task-cancel.ts")).taskCancel,
  input: (args) => ({ task: args.text("TASK"), reason: args.text("REASON") }),
  text: taskLine,
});

export const taskRetry = operationVerb({
  arguments: [TASK],
  options: [],
  notes: "Recorded steps stay recorded: it goes on from where it failed.",
  load: async () => (await import("../../operations/task-retry.ts")).taskRetry,
  input: (args) => ({ task: args.text("TASK") }),
  text: taskLine,
});
