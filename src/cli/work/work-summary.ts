/** What is said at the end of `run` and `resume`: what was done, what failed and how to go on, what is blocked and by what. */

import type { View } from "../output.ts";
import type { Style } from "../terminal/ansi.ts";
import { safeLine } from "../terminal/ansi.ts";
import { shellWord, shortId, taskName } from "../text/names.ts";
import type { StatusData } from "../text/status-text.ts";
import { blockedWhy, firstLine, heldBackWords, unblockCommand } from "../text/status-text.ts";
import { formatElapsed, formatRelative } from "../text/times.ts";
import { nameAndTitle } from "./event-lines.ts";

export interface WorkedData {
  readonly end: "completed" | "failed" | "blocked" | "scheduled" | "interrupted" | "cancelled";
  readonly status: StatusData;
  readonly session: { readonly id: string; readonly planFile: string | null };
}

const ENDS: Readonly<Record<WorkedData["end"], { readonly word: string; readonly style: Style }>> = {
  completed: { word: "done", style: "green" },
  failed: { word: "failed", style: "red" },
  blocked: { word: "blocked", style: "yellow" },
  scheduled: { word: "waiting for its schedule", style: "cyan" },
  interrupted: { word: "interrupted", style: "yellow" },
  cancelled: { word: "cancelled", style: "yellow" },
};
const MOST_LINES = 20;

export function workSummary(data: WorkedData, view: View): string {
  const { status, end, session } = data;
  const { counts, progress } = status;
  const { word, style } = ENDS[end];
  const total = counts.total - counts.cancelled;
  const parts = [
    `${counts.completed} of ${total} tasks completed`,
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(counts.blocked > 0 ? [`${counts.blocked} blocked`] : []),
    ...(counts.pending > 0 ? [`${counts.pending} pending`] : []),
    ...(counts.cancelled > 0 ? [`${counts.cancelled} cancelled`] : []),
  ];
  return [
    `${view.paint(style, word)}: ${safeLine(status.session.name)} (${shortId(session.id)}): ${parts.join(", ")} in ${formatElapsed(progress.timeElapsed)}`,
    ...failedLines(data, view),
    ...blockedLines(data, view),
    ...pendingLines(data, view),
    ...waitingLine(data),
    ...nextCommand(data),
  ].join("\n");
}

function failedLines({ status: { failed } }: WorkedData, { paint }: View): readonly string[] {
  return failed.slice(0, MOST_LINES).flatMap((task) => {
    const name = shellWord(taskName({ key: task.key, id: task.taskId }));
    return [
      `  ${paint("red", "failed")}   ${nameAndTitle(task)}: ${firstLine(task.error ?? "no reason given")}`,
      `           see \`perdure task show ${name}\``,
    ];
  });
}

/** Only what somebody can do something about; the rest waits for it. */
function blockedLines({ status: { blocked }, end }: WorkedData, { paint }: View): readonly string[] {
  if (end === "interrupted" || end === "cancelled") return [];
  return blocked
    .flatMap((task) => {
      const command = unblockCommand(task);
      return command === null ? [] : [{ task, command }];
    })
    .slice(0, MOST_LINES)
    .flatMap(({ task, command }) => [
      `  ${paint("yellow", "blocked")}  ${nameAndTitle(task)}: ${blockedWhy(task)}`,
      `           go on with \`${command}\``,
    ]);
}

function waitingLine({ status: { blocked, counts }, end }: WorkedData): readonly string[] {
  if (end === "interrupted" || end === "cancelled") return [];
  const waiting = counts.blocked - blocked.filter((task) => unblockCommand(task) !== null).length;
  return waiting > 0 ? [`  ${waiting} more ${waiting === 1 ? "waits" : "wait"} for these`] : [];
}

function pendingLines({ status: { next }, end }: WorkedData, { paint, now }: View): readonly string[] {
  if (end === "interrupted" || end === "cancelled") return [];
  return next.slice(0, MOST_LINES).map((task) => {
    const name = shellWord(taskName({ key: task.key, id: task.taskId }));
    if (task.executor === "manual")
      return `  ${paint("yellow", "to do")}    ${nameAndTitle(task)}\n           then \`perdure task done ${name} --evidence TEXT\``;
    const heldBack = heldBackWords(task.heldBack, now);
    if (heldBack !== null) return `  ${paint("yellow", "waiting")}  ${nameAndTitle(task)}: ${heldBack}`;
    const due = task.runAt === null ? "" : `: due ${formatRelative(task.runAt, now)}`;
    return `  ${paint("cyan", "next")}     ${nameAndTitle(task)}${due}`;
  });
}

function nextCommand({ end, session }: WorkedData): readonly string[] {
  const again =
    session.planFile === null ? `perdure resume ${shortId(session.id)}` : `perdure run ${shellWord(session.planFile)}`;
  switch (end) {
    case "failed":
      return [`Once it is mended, \`${again}\` tries what failed again; nothing that completed is repeated.`];
    case "blocked":
      return [`After that \`${again}\` goes on.`];
    case "interrupted":
      return [`\`perdure resume\` continues.`];
    case "scheduled":
      return ["`perdure worker` carries them out when they are due."];
    case "completed":
    case "cancelled":
      return [];
  }
}
