/** `perdure execution list|show` */

import { formatDuration } from "../../base/duration.ts";
import type { ExecutionJson } from "../../operations/json/execution.ts";
import { pageInputOf, PAGE_OPTIONS, SESSION_OPTION } from "../list-options.ts";
import { safeLine } from "../terminal/ansi.ts";
import { fieldLines } from "../text/fields.ts";
import { listText } from "../text/list-text.ts";
import { shortId } from "../text/names.ts";
import { firstLine, paintStatus } from "../text/status-text.ts";
import { stepRows } from "../text/step-rows.ts";
import { listBlock } from "../text/task-text.ts";
import { formatInstant } from "../text/times.ts";
import { operationVerb } from "../verb.ts";

export const executionList = operationVerb({
  arguments: [],
  options: [
    { name: "task", type: "text", placeholder: "TASK", help: "only of this task" },
    SESSION_OPTION,
    ...PAGE_OPTIONS,
  ],
  load: async () => (await import("../../operations/execution-list.ts")).executionList,
  input: (args) => ({ task: args.text("task"), session: args.text("session"), ...pageInputOf(args) }),
  text: (page, view) =>
    listText(page, {
      columns: [
        { title: "execution" },
        { title: "status" },
        { title: "attempt", align: "right" },
        { title: "took", align: "right" },
        { title: "started" },
        { title: "task", isFlexible: true },
      ],
      row: (execution) => [
        { text: shortId(execution.id), paint: (text) => view.paint("bold", text) },
        { text: execution.status, paint: (text) => paintStatus(view.paint, text, execution.status) },
        String(execution.attempt),
        tookText(execution, view.now),
        formatInstant(execution.startedAt, view.now),
        safeLine(execution.taskKey ?? execution.taskTitle),
      ],
      empty: "No executions.",
      view,
    }),
});

function tookText({ startedAt, endedAt }: ExecutionJson, now: number): string {
  return formatDuration(Math.max(0, (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt)));
}

export const executionShow = operationVerb({
  arguments: [{ name: "EXECUTION", help: "an id, or the beginning of one" }],
  options: [],
  load: async () => (await import("../../operations/execution-show.ts")).executionShow,
  input: (args) => ({ execution: args.text("EXECUTION") }),
  text(execution, view) {
    const fields = [
      ["id", execution.id],
      ["attempt", String(execution.attempt)],
      ["worker", execution.workerId === null ? null : shortId(execution.workerId)],
      ["scheduled", execution.scheduledFor === null ? null : formatInstant(execution.scheduledFor, view.now)],
      ["started", formatInstant(execution.startedAt, view.now)],
      ["ended", execution.endedAt === null ? null : formatInstant(execution.endedAt, view.now)],
      ["took", tookText(execution, view.now)],
      ["error", execution.error === null ? null : firstLine(execution.error.message)],
      ["asked to stop", execution.interruptRequested ? "yes" : null],
    ] as const;
    const title = `${view.paint("bold", safeLine(execution.taskKey ?? execution.taskTitle))}  ${paintStatus(view.paint, execution.status)}`;
    return [title, ...fieldLines(fields, view.paint), ...listBlock("Steps", stepRows(execution.steps), view)].join(
      "\n",
    );
  },
});
