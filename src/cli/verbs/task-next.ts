/** `perdure task next` */

import { LABELS_OPTION, listOption, SESSION_OPTION } from "../list-options.ts";
import { safeLine, safeText } from "../terminal/ansi.ts";
import { shellWord, taskName } from "../text/names.ts";
import { taskLine } from "../text/task-text.ts";
import { formatInstant } from "../text/times.ts";
import { operationVerb } from "../verb.ts";

export const taskNext = operationVerb({
  arguments: [],
  options: [
    { name: "claim", type: "boolean", help: "take it, so that nobody else does" },
    { name: "as", type: "text", placeholder: "NAME", help: "who takes it (default: agent)" },
    {
      name: "executor",
      type: "text",
      placeholder: "NAME",
      isRepeated: true,
      help: "tasks of this executor (default: manual)",
    },
    { ...LABELS_OPTION, help: "what the one who asks offers to tasks that require labels" },
    { name: "any", type: "boolean", help: "tasks of any executor" },
    SESSION_OPTION,
  ],
  examples: ["perdure task next --claim --as claude --json"],
  load: async () => (await import("../../operations/task-next.ts")).taskNext,
  input: (args) => ({
    claim: args.flag("claim"),
    as: args.text("as") ?? undefined,
    session: args.text("session"),
    executors: args.list("executor").length === 0 ? undefined : args.list("executor"),
    labels: listOption(args, "labels"),
    any: args.flag("any"),
  }),
  text({ task, reason, claim }, view) {
    if (task === null) return `No task is ready: ${safeLine(reason ?? "")}`;
    const name = shellWord(taskName(task));
    const lines = [taskLine(task, view)];
    if (task.description !== null) lines.push("", safeText(task.description));
    if (claim === null) lines.push("", `Take it with \`perdure task start ${name}\`.`);
    else
      lines.push(
        "",
        `Yours until ${formatInstant(claim.leaseExpiresAt, view.now)}; reports keep it.`,
        `\`perdure task progress ${name} --percent N\`, \`perdure task done ${name} --evidence TEXT\`, \`perdure task fail ${name} MESSAGE\``,
      );
    return lines.join("\n");
  },
});
