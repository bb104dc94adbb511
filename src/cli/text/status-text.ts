/** Where a session stands, in words. */

import type * as v from "valibot";

import type { status } from "../../operations/status.ts";
import type { View } from "../output.ts";
import type { Paint, Style } from "../terminal/ansi.ts";
import { safeLine } from "../terminal/ansi.ts";
import { formatPercent, progressBar } from "../terminal/progress-bar.ts";
import { renderTable } from "../terminal/table.ts";
import { shellWord, shortId, taskName } from "./names.ts";
import { formatElapsed, formatRelative } from "./times.ts";

export type StatusData = v.InferInput<(typeof status)["output"]>;

const BAR_COLUMNS = 24;

export function statusText(data: StatusData, view: View): string {
  const { paint } = view;
  return [
    headline(data, paint),
    `${paint("green", progressBar(data.progress.percent, BAR_COLUMNS))} ${progressWords(data, view.now)}`,
    ...section("Running", runningRows(data, view), view),
    ...section("Blocked", blockedRows(data, paint), view),
    ...section("Failed", failedRows(data, paint), view),
    ...section("Next", nextRows(data, view), view),
  ].join("\n");
}

function headline({ session }: StatusData, paint: Paint): string {
  return `${paint("bold", safeLine(session.name))}  ${paintStatus(paint, session.status)}  ${paint("dim", shortId(session.id))}`;
}

const STATUS_STYLES: Readonly<Record<string, Style>> = {
  active: "cyan",
  in_progress: "cyan",
  running: "cyan",
  completed: "green",
  failed: "red",
  blocked: "yellow",
  paused: "yellow",
  interrupted: "yellow",
  cancelled: "dim",
  pending: "dim",
};

/** `text` is the status, perhaps padded. */
export function paintStatus(paint: Paint, text: string, status: string = text): string {
  const style = STATUS_STYLES[status];
  return style === undefined ? text : paint(style, text);
}

/** `40%  4 of 10 done · about 3m left · 2m 03s elapsed · 2 running · 1 failed` */
export function progressWords({ counts, progress, running, session }: StatusData, now: number): string {
  const parts = [`${counts.completed} of ${counts.total - counts.cancelled} done`];
  if (session.status === "active" && progress.estimatedCompletion !== null) {
    const leftMs = Date.parse(progress.estimatedCompletion) - now;
    if (leftMs >= 1_000) parts.push(`about ${formatElapsed(leftMs)} left`);
  }
  parts.push(`${formatElapsed(progress.timeElapsed)} elapsed`);
  const stopped = running.filter((task) => task.stopped !== null).length;
  if (counts.in_progress > stopped) parts.push(`${counts.in_progress - stopped} running`);
  if (stopped > 0) parts.push(`${stopped} stopped`);
  for (const status of OTHER_STATUSES) if (counts[status] > 0) parts.push(`${counts[status]} ${status}`);
  return `${formatPercent(progress.percent)}  ${parts.join(" · ")}`;
}

const OTHER_STATUSES = ["failed", "blocked", "pending", "cancelled"] as const;

type Rows = readonly (readonly { readonly text: string; readonly paint?: (text: string) => string }[])[];

/** Name, title, and what there is to say; the title gives way on a narrow terminal. */
function section(title: string, rows: Rows, { paint, width }: View): readonly string[] {
  if (rows.length === 0) return [];
  const columns = [{ title: "" }, { title: "", isFlexible: true }, { title: "" }];
  const lines = renderTable(columns, rows, { width: width === null ? null : width - 2 });
  return ["", paint("bold", title), ...lines.map((line) => `  ${line}`)];
}

function nameCell(paint: Paint, style: Style, task: { readonly key: string | null; readonly taskId: string }) {
  return { text: taskName({ key: task.key, id: task.taskId }), paint: (text: string) => paint(style, text) };
}

/** Empty where the name says it already. */
function titleCell(task: { readonly key: string | null; readonly taskId: string; readonly title: string }) {
  const title = safeLine(task.title);
  return { text: title === taskName({ key: task.key, id: task.taskId }) ? "" : title };
}

function runningRows({ running }: StatusData, { paint, now }: View): Rows {
  return running.map((task) => {
    const said = [
      stoppedWords(task.stopped),
      formatElapsed(now - Date.parse(task.startedAt)),
      task.percent > 0 ? formatPercent(task.percent) : null,
      task.attempt > 1 ? `attempt ${task.attempt}` : null,
      task.step === null ? null : safeLine(task.step),
      task.message === null ? null : safeLine(task.message),
    ];
    const style = task.stopped === null ? "cyan" : "yellow";
    return [nameCell(paint, style, task), titleCell(task), { text: said.filter((part) => part !== null).join(" · ") }];
  });
}

function stoppedWords(stopped: StatusData["running"][number]["stopped"]): string | null {
  if (stopped === null) return null;
  return `stopped (${stopped === "process_gone" ? "its process is gone" : "its lease is over"}; \`perdure resume\` continues)`;
}

/** Those that only wait for others are told by their number: it is the rest that someone can do something about. */
function blockedRows({ blocked, counts }: StatusData, paint: Paint): Rows {
  const stuck = blocked.filter((task) => unblockCommand(task) !== null);
  const rows: Rows[number][] = stuck.map((task) => [
    nameCell(paint, "yellow", task),
    titleCell(task),
    { text: blockedWords(task) },
  ]);
  const others = counts.blocked - stuck.length;
  if (others > 0) rows.push([{ text: String(others) }, { text: waitingWords(blocked) }, { text: "" }]);
  return rows;
}

function waitingWords(blocked: StatusData["blocked"]): string {
  const failed = blocked.find(({ reason }) => reason === "dependency_failed");
  if (failed === undefined) return "waiting for what they depend on";
  return `waiting, also for what failed${failed.note === null ? "" : ` (${safeLine(failed.note)})`}`;
}

function blockedWords(task: StatusData["blocked"][number]): string {
  const command = unblockCommand(task);
  return `${blockedWhy(task)}${command === null ? "" : `  → ${command}`}`;
}

export function blockedWhy({ reason, note }: { readonly reason: string; readonly note: string | null }): string {
  return `${reason.replaceAll("_", " ")}${note === null ? "" : `: ${safeLine(note)}`}`;
}

/** What to type so that a blocked task goes on; `null` when it is another task that something must be done about. */
export function unblockCommand(task: StatusData["blocked"][number]): string | null {
  const name = shellWord(taskName({ key: task.key, id: task.taskId }));
  switch (task.reason) {
    case "waiting":
      return `perdure task show ${name}`;
    case "unknown_outcome":
      return `perdure task resolve ${name} --done|--retry|--skip`;
    case "interrupted":
      return "perdure resume";
    case "dependencies":
    case "dependency_failed":
      return null;
    case "budget":
      return `perdure task retry ${name}`;
  }
}

function failedRows({ failed }: StatusData, paint: Paint): Rows {
  return failed.map((task) => [
    nameCell(paint, "red", task),
    titleCell(task),
    { text: firstLine(task.error ?? "no reason given") },
  ]);
}

const ERROR_COLUMNS = 100;

export function firstLine(text: string): string {
  const [line = ""] = text.trim().split("\n");
  const safe = safeLine(line);
  return safe.length > ERROR_COLUMNS ? `${safe.slice(0, ERROR_COLUMNS - 1)}…` : safe;
}

function nextRows({ next, counts }: StatusData, { paint, now }: View): Rows {
  const rows: Rows[number][] = next.map((task) => {
    const name = taskName({ key: task.key, id: task.taskId });
    const manual = task.executor === "manual" ? `for a person  → perdure task done ${shellWord(name)}` : "";
    return [
      nameCell(paint, "dim", task),
      titleCell(task),
      {
        text: isLater(task.runAt, now)
          ? formatRelative(task.runAt, now)
          : (heldBackWords(task.heldBack, now) ?? manual),
      },
    ];
  });
  if (counts.pending > next.length)
    rows.push([{ text: "…" }, { text: `and ${counts.pending - next.length} more` }, { text: "" }]);
  return rows;
}

/** `waits for the next start under key api (100/1m), in 12s` */
export function heldBackWords(heldBack: StatusData["next"][number]["heldBack"], now: number): string | null {
  if (heldBack === null) return null;
  return `${safeLine(heldBack.message)}${heldBack.until === null ? "" : `, ${formatRelative(heldBack.until, now)}`}`;
}

function isLater(runAt: string | null, now: number): runAt is string {
  return runAt !== null && Date.parse(runAt) - now > 1_000;
}
