/** `tasks/current.json`: what is running, done and next in the newest unfinished session. The same state gives the same file. */

import type { Millis } from "../base/clock.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { Knowledge, Present, PresentTask } from "../store/commands/trail-reads.ts";

/** Most entries of each list; what is older is counted only. */
export const CURRENT_LIMITS = { completed: 1_000, lines: 20, decisions: 50 } as const;

export function currentFile(present: Present | null, knowledge: Knowledge): string {
  const known = knownOf(present, knowledge);
  const [current] = present?.running ?? [];
  const content: JsonObject = {
    session_id: present?.session.id ?? null,
    started_at: instant(present?.session.startedAt ?? null),
    current_task:
      current === undefined || present === null
        ? null
        : { ...runningTask(current), context: contextOf(present.context, known.decisions) },
    completed_tasks: (present?.completed ?? []).map(completedTask),
    memory: {
      project_type: known.projectType,
      key_decisions: unique([...known.entry("key_decisions"), ...known.decisions]),
      learned_patterns: unique([...known.entry("learned_patterns"), ...known.patterns]),
    },
    completed_count: present?.completedCount ?? 0,
    running_tasks: (present?.running ?? []).map(runningTask),
    next_tasks: (present?.next ?? []).map(({ id, name, priority }) => ({ id, name, priority })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function runningTask({ id, name, status, startedAt }: PresentTask): JsonObject {
  return { id, name, status, started_at: instant(startedAt) };
}

function completedTask({ id, name, startedAt, completedAt }: PresentTask): JsonObject {
  const durationMs = startedAt === null || completedAt === null ? null : Math.max(0, completedAt - startedAt);
  return {
    id,
    name,
    completed_at: instant(completedAt),
    duration_seconds: durationMs === null ? null : durationMs / 1_000,
  };
}

/** What the task's context says of files and decisions, and the decisions that hold for everyone. */
function contextOf(context: Json, decisionsInForce: readonly string[]): JsonObject {
  const said = isJsonObject(context) ? context : {};
  return {
    files_modified: unique(textsIn(said.files_modified ?? said.filesModified)),
    decisions: unique([...textsIn(said.decisions), ...decisionsInForce]),
  };
}

interface Known {
  readonly projectType: string | null;
  readonly decisions: readonly string[];
  readonly patterns: readonly string[];
  /** The texts under that key of the session's working memory. */
  readonly entry: (key: string) => readonly string[];
}

function knownOf(present: Present | null, { facts, entries }: Knowledge): Known {
  const entry = (key: string): readonly string[] => {
    const found = entries.find((each) => each.sessionId === present?.session.id && each.key === key);
    return textsIn(found?.value?.json);
  };
  const ofKind = (kind: string): readonly string[] =>
    facts.filter((fact) => fact.kind === kind).map(({ text }) => text);
  return {
    projectType: entry("project_type")[0] ?? null,
    decisions: ofKind("decision"),
    patterns: ofKind("pattern"),
    entry,
  };
}

function textsIn(value: Json | undefined): readonly string[] {
  const values = Array.isArray(value) ? (value as readonly Json[]) : [value];
  return values.filter((each) => typeof each === "string");
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].slice(0, CURRENT_LIMITS.decisions);
}

export function instant(at: Millis | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
