/** What differs between two points of a session, put together by what it is about and said in words. Pure. */

import type { Json } from "../base/json.ts";
import { isJsonObject, parseStoredJson } from "../base/json.ts";
import type { EnvironmentDifference } from "../domain/environment.ts";
import type { Row } from "../store/command.ts";
import type { PointDifference, RowDifference } from "../store/commands/compare-points.ts";

export interface TaskDifference {
  readonly taskId: string;
  /** Its key, else its title. */
  readonly task: string;
  readonly change: "added" | "removed" | "changed";
  /** `pending`, `blocked: dependencies`; `null` where there was none. */
  readonly from: string | null;
  readonly to: string | null;
  /** Other columns of it that differ, in words. */
  readonly columns: readonly string[];
}

export interface StepDifference {
  readonly taskId: string;
  readonly task: string;
  readonly step: string;
  readonly from: string | null;
  readonly to: string | null;
}

export interface MemoryDifference {
  readonly key: string;
  readonly change: "set" | "changed" | "deleted";
}

export interface ArtifactDifference {
  readonly task: string;
  readonly name: string;
  readonly change: "added" | "removed";
}

export interface MessageDifference {
  readonly position: number;
  readonly role: string;
  /** The beginning of its text. */
  readonly text: string;
  readonly change: "added" | "removed";
}

export interface DescribedDifference {
  /** Columns of the session that differ. */
  readonly session: readonly { readonly column: string; readonly from: Json; readonly to: Json }[];
  readonly tasks: readonly TaskDifference[];
  readonly steps: readonly StepDifference[];
  readonly memory: readonly MemoryDifference[];
  readonly messages: readonly MessageDifference[];
  readonly artifacts: readonly ArtifactDifference[];
  readonly signals: number;
}

export function describeDifference({ rows, taskNames }: PointDifference): DescribedDifference {
  const of = (entity: string): readonly RowDifference[] => rows.filter((row) => row.entity === entity);
  const nameOf = (id: unknown): string => taskNames.get(String(id)) ?? String(id).slice(0, 8);
  return {
    session: of("sessions").flatMap(({ from, to }) =>
      differingColumns(from, to).map((column) => ({ column, from: from?.[column] ?? null, to: to?.[column] ?? null })),
    ),
    tasks: of("tasks").flatMap((row) => taskDifference(row, nameOf) ?? []),
    steps: of("steps").flatMap(({ from, to }) => {
      const [taskId, step] = [String((to ?? from)?.task_id), String((to ?? from)?.name)];
      const [was, is] = [stringOf(from?.status), stringOf(to?.status)];
      return was === is ? [] : [{ taskId, task: nameOf(taskId), step, from: was, to: is }];
    }),
    memory: of("memory").map(({ from, to }) => ({ key: String((to ?? from)?.key), change: memoryChange(from, to) })),
    messages: of("messages").map(({ from, to }) => ({
      position: Number((to ?? from)?.position),
      role: String((to ?? from)?.role),
      text: textOf((to ?? from)?.parts),
      change: from === null ? "added" : "removed",
    })),
    artifacts: of("artifacts").map(({ from, to }) => ({
      task: nameOf((to ?? from)?.task_id),
      name: String((to ?? from)?.name),
      change: from === null ? "added" : "removed",
    })),
    signals: of("signals").length,
  };
}

/** Columns that follow from others, or that only tell when and where. */
const INCIDENTAL: ReadonlySet<string> = new Set([
  "project_id",
  "seq",
  "held",
  "updated_at",
  "started_at",
  "completed_at",
  "ended_at",
  "end_told_at",
  "execution_id",
  "waiting_on",
  "plan_fingerprint",
  "kind",
]);
const OF_STATE: ReadonlySet<string> = new Set(["status", "blocked_reason", "blocked_note"]);

function differingColumns(from: Row | null, to: Row | null): readonly string[] {
  const columns = new Set([...Object.keys(from ?? {}), ...Object.keys(to ?? {})]);
  return [...columns].filter(
    (column) => !INCIDENTAL.has(column) && (from?.[column] ?? null) !== (to?.[column] ?? null),
  );
}

function taskDifference({ from, to }: RowDifference, nameOf: (id: unknown) => string): TaskDifference | null {
  const taskId = String((to ?? from)?.id);
  const about = { taskId, task: nameOf(taskId), from: stateOf(from), to: stateOf(to) };
  if (from === null) return { ...about, change: "added", columns: [] };
  if (to === null) return { ...about, change: "removed", columns: [] };
  const columns = differingColumns(from, to).filter((column) => !OF_STATE.has(column));
  if (columns.length === 0 && about.from === about.to) return null;
  return { ...about, change: "changed", columns: columns.map((column) => column.replaceAll("_", " ")) };
}

function stateOf(task: Row | null): string | null {
  if (task === null) return null;
  return task.blocked_reason === null ? String(task.status) : `${String(task.status)}: ${String(task.blocked_reason)}`;
}

function memoryChange(from: Row | null, to: Row | null): MemoryDifference["change"] {
  if (from === null) return "set";
  return to === null ? "deleted" : "changed";
}

const TEXT_CHARS = 80;

function textOf(parts: unknown): string {
  const parsed = typeof parts === "string" ? parseStoredJson(parts, "a message") : null;
  const texts = Array.isArray(parsed) ? parsed.map((part) => (isJsonObject(part) ? part.text : part)) : [parsed];
  const text = texts.filter((part) => typeof part === "string").join(" ");
  return text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS - 1)}…` : text;
}

function stringOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** One line a difference, the most telling first. */
export function differenceLines(
  described: DescribedDifference,
  environment: readonly EnvironmentDifference[],
): readonly string[] {
  const { session, tasks, steps, memory, messages, artifacts, signals } = described;
  return [
    ...session.map(
      ({ column, from, to }) => `the session's ${column.replaceAll("_", " ")} went from ${said(from)} to ${said(to)}`,
    ),
    ...tasks.map(taskLine),
    ...steps.map(({ task, step, from, to }) => `step ${step} of ${task}: ${stepWords(from, to)}`),
    ...memory.map(({ key, change }) => `working memory: ${key} was ${change}`),
    ...messageLines(messages),
    ...artifacts.map(({ task, name, change }) => `artifact ${name} of ${task} was ${change}`),
    ...(signals === 0 ? [] : [`${signals} signals differ`]),
    ...environment.map(({ message }) => message),
  ];
}

function taskLine({ task, change, from, to, columns }: TaskDifference): string {
  if (change === "added") return `${task} was added (${to ?? "gone"})`;
  if (change === "removed") return `${task} was removed (it was ${from ?? "gone"})`;
  const state = from === to ? [] : [`went from ${from ?? "nothing"} to ${to ?? "nothing"}`];
  const others = columns.length === 0 ? [] : [`changed in ${columns.join(", ")}`];
  return `${task} ${[...state, ...others].join(" and ")}`;
}

function stepWords(from: string | null, to: string | null): string {
  if (from === null) return to === "completed" ? "recorded" : (to ?? "gone");
  return to === null ? `no longer recorded (it was ${from})` : `went from ${from} to ${to}`;
}

function messageLines(messages: readonly MessageDifference[]): readonly string[] {
  return (["added", "removed"] as const).flatMap((change) => {
    const count = messages.filter((message) => message.change === change).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? "message was" : "messages were"} ${change}`];
  });
}

function said(value: Json): string {
  return value === null ? "none" : String(value);
}
