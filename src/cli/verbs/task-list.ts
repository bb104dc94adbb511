/** `perdure task list` */

import { pageInputOf, PAGE_OPTIONS, SESSION_OPTION } from "../list-options.ts";
import { safeLine } from "../terminal/ansi.ts";
import { formatPercent } from "../terminal/progress-bar.ts";
import { listText } from "../text/list-text.ts";
import { taskName } from "../text/names.ts";
import { paintStatus } from "../text/status-text.ts";
import { operationVerb } from "../verb.ts";

export const taskList = operationVerb({
  arguments: [],
  options: [
    SESSION_OPTION,
    { name: "all", type: "boolean", help: "of every session" },
    {
      name: "status",
      type: "text",
      placeholder: "STATUS",
      isRepeated: true,
      help: "only pending, blocked, in_progress, completed, failed or cancelled",
    },
    { name: "min-priority", type: "integer", placeholder: "N", help: "only this urgent or more (1–10)" },
    { name: "parent", type: "text", placeholder: "TASK", help: "only what is directly below this task" },
    { name: "search", type: "text", placeholder: "TEXT", help: "in title, description or key" },
    ...PAGE_OPTIONS,
  ],
  examples: ["perdure task list --status failed,blocked", "perdure task list --search docs --json"],
  load: async () => (await import("../../operations/task-list.ts")).taskList,
  input: (args) => ({
    session: args.text("session"),
    all: args.flag("all"),
    status: args.list("status").length === 0 ? undefined : args.list("status").join(","),
    minPriority: args.number("min-priority") ?? undefined,
    parent: args.text("parent"),
    search: args.text("search"),
    ...pageInputOf(args),
  }),
  text: (page, view) =>
    listText(page, {
      columns: [
        { title: "task" },
        { title: "status" },
        { title: "done", align: "right" },
        { title: "priority", align: "right" },
        { title: "title", isFlexible: true },
      ],
      row: (task) => [
        { text: taskName(task), paint: (text) => view.paint("bold", text) },
        { text: task.status, paint: (text) => paintStatus(view.paint, text, task.status) },
        formatPercent(task.progress.percent),
        String(task.priority),
        safeLine(task.title),
      ],
      empty: "No such tasks.",
      view,
    }),
});
