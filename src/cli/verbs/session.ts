/** `perdure session list|show|pause|resume|cancel` */

import { formatDuration } from "../../base/duration.ts";
import { pageInputOf, PAGE_OPTIONS } from "../list-options.ts";
import type { ArgumentSpec } from "../parse-arguments.ts";
import { safeLine } from "../terminal/ansi.ts";
import { formatPercent } from "../terminal/progress-bar.ts";
import { fieldLines } from "../text/fields.ts";
import { listText } from "../text/list-text.ts";
import { shortId } from "../text/names.ts";
import { sessionLine } from "../text/session-line.ts";
import { paintStatus } from "../text/status-text.ts";
import { formatInstant } from "../text/times.ts";
import { operationVerb } from "../verb.ts";

const SESSION: ArgumentSpec = {
  name: "SESSION",
  help: "an id, the beginning of one, or a name (default: the present one)",
  isOptional: true,
};

export const sessionList = operationVerb({
  arguments: [],
  options: [
    {
      name: "status",
      type: "text",
      placeholder: "STATUS",
      isRepeated: true,
      help: "only created, active, paused, completed, failed or cancelled",
    },
    { name: "agent", type: "text", placeholder: "NAME", help: "only of this agent" },
    { name: "user", type: "text", placeholder: "NAME", help: "only of this user" },
    { name: "search", type: "text", placeholder: "TEXT", help: "in name or goal" },
    { name: "after", type: "text", placeholder: "TIME", help: "created since: an instant, or how long ago (2d)" },
    { name: "before", type: "text", placeholder: "TIME", help: "created until: an instant, or how long ago" },
    ...PAGE_OPTIONS,
  ],
  load: async () => (await import("../../operations/session-list.ts")).sessionList,
  input: (args) => ({
    status: args.list("status").length === 0 ? undefined : args.list("status").join(","),
    agent: args.text("agent"),
    user: args.text("user"),
    search: args.text("search"),
    createdAfter: args.text("after"),
    createdBefore: args.text("before"),
    ...pageInputOf(args),
  }),
  text: (page, view) =>
    listText(page, {
      columns: [
        { title: "session" },
        { title: "status" },
        { title: "tasks", align: "right" },
        { title: "failed", align: "right" },
        { title: "begun" },
        { title: "name", isFlexible: true },
      ],
      row: ({ id, status, counts, createdAt, name }) => [
        { text: shortId(id), paint: (text) => view.paint("bold", text) },
        { text: status, paint: (text) => paintStatus(view.paint, text, status) },
        `${counts.completed}/${counts.total}`,
        String(counts.failed),
        formatInstant(createdAt, view.now),
        safeLine(name),
      ],
      empty: "No such sessions.",
      view,
    }),
});

export const sessionShow = operationVerb({
  arguments: [SESSION],
  options: [],
  load: async () => (await import("../../operations/session-show.ts")).sessionShow,
  input: (args) => ({ session: args.text("SESSION") }),
  text(session, view) {
    const { counts, progress, blocked } = session;
    const reasons = Object.entries(blocked).map(([reason, count]) => `${reason.replaceAll("_", " ")} (${count})`);
    const states = Object.entries(counts).filter(([state, count]) => state !== "total" && count > 0);
    const when = (at: string | null) => (at === null ? null : formatInstant(at, view.now));
    const fields = [
      ["id", session.id],
      ["plan", session.planFile],
      ["agent", session.agentId === null ? null : safeLine(session.agentId)],
      ["user", session.userId === null ? null : safeLine(session.userId)],
      ["from", session.originId],
      ["goal", session.goal === null ? null : safeLine(session.goal)],
      [
        "progress",
        `${formatPercent(progress.percent)}, ${counts.completed} of ${counts.total - counts.cancelled} tasks`,
      ],
      ["tasks", states.map(([state, count]) => `${count} ${state.replaceAll("_", " ")}`).join(", ")],
      ["blocked by", reasons.length === 0 ? null : reasons.join(", ")],
      ["concurrency", session.concurrency === null ? null : String(session.concurrency)],
      ["created", when(session.createdAt)],
      ["started", when(session.startedAt)],
      ["ended", when(session.endedAt)],
      ["elapsed", formatDuration(progress.timeElapsed)],
    ] as const;
    return [sessionLine(session, view), ...fieldLines(fields, view.paint)].join("\n");
  },
});

export const sessionPause = operationVerb({
  arguments: [SESSION],
  options: [],
  notes: "Nothing more is taken up in it, and what runs stops at its next step boundary.",
  load: async () => (await import("../../operations/session-pause.ts")).sessionPause,
  input: (args) => ({ session: args.text("SESSION") }),
  text: ({ session, executions }, view) =>
    `${sessionLine(session, view)}${executions.length === 0 ? "" : `  ${executions.length} running asked to stop`}`,
});

export const sessionResume = operationVerb({
  arguments: [SESSION],
  options: [],
  notes: "Lets workers go on with it. `perdure resume` does so and works it, here and now.",
  load: async () => (await import("../../operations/session-resume.ts")).sessionResume,
  input: (args) => ({ session: args.text("SESSION") }),
  text: ({ session, continued, retried }, view) =>
    `${sessionLine(session, view)}  ${continued} interrupted go on, ${retried} failed are tried again`,
});

export const sessionCancel = operationVerb({
  arguments: [{ name: "SESSION", help: "an id, the beginning of one, or a name" }],
  options: [],
  notes: "Every unfinished task of it is cancelled; what runs is stopped.",
  load: async () => (await import("../../operations/session-cancel.ts")).sessionCancel,
  input: (args) => ({ session: args.text("SESSION") }),
  text: ({ session, cancelled }, view) => `${sessionLine(session, view)}  ${cancelled} tasks cancelled`,
});
