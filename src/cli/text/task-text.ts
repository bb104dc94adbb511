/** A task in words: all that is known of it, and what can be done with it. */

import type * as v from "valibot";

import { formatDuration } from "../../base/duration.ts";
import type { TaskJson } from "../../operations/json/task.ts";
import type { taskShow } from "../../operations/task-show.ts";
import type { View } from "../output.ts";
import { safeLine, safeText } from "../terminal/ansi.ts";
import { formatPercent } from "../terminal/progress-bar.ts";
import { renderTable } from "../terminal/table.ts";
import { fieldLines } from "./fields.ts";
import { shellWord, shortId, taskName } from "./names.ts";
import { firstLine, heldBackWords, paintStatus } from "./status-text.ts";
import { stepRows } from "./step-rows.ts";
import { formatInstant, formatRelative } from "./times.ts";

export type TaskShown = v.InferInput<(typeof taskShow)["output"]>;

/** Acknowledges what was done to a task: `build is completed`. */
export function taskLine(task: TaskJson, { paint }: View): string {
  const title = safeLine(task.title);
  const name = taskName(task);
  const why = task.status === "blocked" && task.blockedReason !== null ? ` (${blockedText(task)})` : "";
  return `${paint("bold", name)}${title === name ? "" : `  ${title}`}  ${paintStatus(paint, task.status)}${why}`;
}

function blockedText({ blockedReason, blockedNote }: TaskJson): string {
  const reason = (blockedReason ?? "").replaceAll("_", " ");
  return blockedNote === null ? reason : `${reason}: ${safeLine(blockedNote)}`;
}

export function taskShownText(task: TaskShown, view: View): string {
  const { paint, now } = view;
  return [
    taskLine(task, view),
    ...fieldLines(fieldsOf(task, now), paint),
    ...textBlock("Description", task.description, paint),
    ...textBlock("Error", task.lastError === null ? null : task.lastError.message, paint),
    ...textBlock("Result", task.result === null ? null : jsonText(task.result), paint),
    ...listBlock("Steps", stepRows(task.steps), view),
    ...listBlock(
      "Artifacts",
      task.artifactsDetail.map(({ name, sizeBytes, path }) => [safeLine(name), `${sizeBytes} bytes`, path]),
      view,
    ),
    ...listBlock(
      "Waiting for it",
      task.dependents.map(({ id, key, title, status }) => [taskName({ key, id }), safeLine(title), status]),
      view,
    ),
    ...whatNext(task, paint),
  ].join("\n");
}

function fieldsOf(task: TaskShown, now: number): readonly (readonly [string, string | null])[] {
  const { progress, schedule } = task;
  const steps = progress.totalSteps === null ? "" : `, step ${progress.currentStep ?? 0} of ${progress.totalSteps}`;
  const message = progress.message === null ? "" : `: ${safeLine(progress.message)}`;
  const attempts = task.executions.reduce((most, { attempt }) => Math.max(most, attempt), 0);
  return [
    ["id", task.id],
    ["session", shortId(task.sessionId)],
    ["executor", commandOf(task)],
    ["priority", String(task.priority)],
    ["progress", `${formatPercent(progress.percent)}${steps}${message}`],
    ["attempts", attempts > 0 ? `${attempts}, ${task.retryCount} of ${task.maxRetries} retries used` : null],
    ["timeout", task.timeoutMs === null ? null : formatDuration(task.timeoutMs)],
    ["schedule", schedule === null ? null : safeLine(JSON.stringify(schedule))],
    ["due", task.status === "pending" && task.runAt !== null ? formatRelative(task.runAt, now) : null],
    ["held back", heldBackWords(task.heldBack, now)],
    ["labels", task.labels.length === 0 ? null : task.labels.join(", ")],
    ["limit", limitText(task)],
    ["needs", task.needs.length === 0 ? null : task.needs.map(needText).join(", ")],
    ["part of", task.parentId === null ? null : shortId(task.parentId)],
    ["created", formatInstant(task.createdAt, now)],
    ["started", task.startedAt === null ? null : formatInstant(task.startedAt, now)],
    ["ended", task.completedAt === null ? null : formatInstant(task.completedAt, now)],
  ];
}

function limitText({ limit }: TaskShown): string | null {
  if (limit === null) return null;
  const bounds = [limit.concurrency === null ? null : `${limit.concurrency} at a time`, limit.rate];
  return `${safeLine(limit.key)}: ${bounds.filter((bound) => bound !== null).join(", ")}`;
}

function needText({ id, key, status }: TaskShown["needs"][number]): string {
  const name = taskName({ key, id });
  return status === "completed" ? name : `${name} (${status.replaceAll("_", " ")})`;
}

function commandOf({ executor, input }: TaskShown): string {
  const said = typeof input === "object" && input !== null && "run" in input ? input.run : null;
  return typeof said === "string" ? `${executor}: ${firstLine(said)}` : executor;
}

function textBlock(title: string, text: string | null, paint: View["paint"]): readonly string[] {
  if (text === null || text === "") return [];
  return [
    "",
    paint("bold", title),
    ...safeText(text)
      .split("\n")
      .map((line) => `  ${line}`),
  ];
}

const MOST_JSON_CHARS = 4_000;

function jsonText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return text.length > MOST_JSON_CHARS ? `${text.slice(0, MOST_JSON_CHARS)}… (use --json for all of it)` : text;
}

export function listBlock(
  title: string,
  rows: readonly (readonly string[])[],
  { paint, width }: View,
): readonly string[] {
  if (rows.length === 0) return [];
  const columns = (rows[0] ?? []).map((_, at) => ({ title: "", isFlexible: at === 1 }));
  const lines = renderTable(columns, rows, { width: width === null ? null : width - 2 });
  return ["", paint("bold", title), ...lines.map((line) => `  ${line}`)];
}

/** What somebody can do about a task that does not go on by itself. */
function whatNext(task: TaskShown, paint: View["paint"]): readonly string[] {
  const name = shellWord(taskName(task));
  const commands = commandsFor(task, name);
  return commands.length === 0 ? [] : ["", paint("bold", "Go on with"), ...commands.map((command) => `  ${command}`)];
}

function commandsFor(task: TaskShown, name: string): readonly string[] {
  if (task.status === "failed") return [`perdure task retry ${name}`];
  if (task.status === "pending" && task.executor === "manual")
    return [`perdure task start ${name}`, `perdure task done ${name} --evidence TEXT`];
  if (task.status !== "blocked") return [];
  const waiting = task.steps.filter(({ status }) => status === "started");
  switch (task.blockedReason) {
    case "interrupted":
      return ["perdure resume"];
    case "unknown_outcome":
      return [
        `perdure task resolve ${name} --done`,
        `perdure task resolve ${name} --retry`,
        `perdure task resolve ${name} --skip`,
      ];
    case "waiting":
      return waiting.flatMap(({ kind, waitsFor }) => {
        if (kind === "approval") return [`perdure task approve ${name}`, `perdure task reject ${name}`];
        return kind === "signal" && waitsFor !== null ? [`perdure task signal ${name} ${shellWord(waitsFor)}`] : [];
      });
    default:
      return [];
  }
}
