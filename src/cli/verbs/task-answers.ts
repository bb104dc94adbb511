/** What a waiting task is told: `perdure task resolve|signal|approve|reject` */

import { PerdureError } from "../../base/errors.ts";
import { jsonOption } from "../json-option.ts";
import type { ArgumentSpec, ParsedArguments } from "../parse-arguments.ts";
import { taskLine } from "../text/task-text.ts";
import { operationVerb } from "../verb.ts";

const TASK: ArgumentSpec = { name: "TASK", help: "its key in the plan, its id, or the beginning of one" };
const DECISIONS = ["done", "retry", "skip"] as const;

export const taskResolve = operationVerb({
  arguments: [TASK],
  options: [
    { name: "done", type: "boolean", help: "it took place" },
    { name: "retry", type: "boolean", help: "it did not take place: do it" },
    { name: "skip", type: "boolean", help: "go on without it" },
    { name: "result", type: "text", placeholder: "JSON", help: "what the step would have returned, with --done" },
  ],
  notes: "Says what became of a step whose outcome is not known, because the process died while it was under way.",
  examples: ["perdure task resolve deploy --done"],
  load: async () => (await import("../../operations/task-resolve.ts")).taskResolve,
  input: (args) => ({ task: args.text("TASK"), decision: decisionOf(args), result: jsonOption(args, "result") }),
  text: taskLine,
});

function decisionOf(args: ParsedArguments): string {
  const said = DECISIONS.filter((decision) => args.flag(decision));
  const [decision] = said;
  if (decision !== undefined && said.length === 1) return decision;
  throw new PerdureError("usage", {
    message: "Say what became of the step: one of --done, --retry and --skip",
    hint: "See `perdure task resolve --help`.",
  });
}

export const taskSignal = operationVerb({
  arguments: [TASK, { name: "NAME", help: "of the signal" }],
  options: [{ name: "payload", type: "text", placeholder: "JSON", help: "what comes with it" }],
  notes: "One sent before the task waits for it is kept.",
  load: async () => (await import("../../operations/task-signal.ts")).taskSignal,
  input: (args) => ({ task: args.text("TASK"), name: args.text("NAME"), payload: jsonOption(args, "payload") }),
  text: taskLine,
});

const answer = (approved: boolean) =>
  operationVerb({
    arguments: [TASK],
    options: [
      { name: "comment", short: "m", type: "text", placeholder: "TEXT", help: "kept with the answer" },
      { name: "as", type: "text", placeholder: "NAME", help: "who answers" },
    ],
    load: async () => (await import("../../operations/task-answer.ts")).taskAnswer,
    input: (args) => ({
      task: args.text("TASK"),
      approved,
      comment: args.text("comment"),
      as: args.text("as") ?? undefined,
    }),
    text: taskLine,
  });

export const taskApprove = answer(true);
export const taskReject = answer(false);
