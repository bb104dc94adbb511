/** What the files beside the store tell of it: where the newest unfinished session stands, what is known, what sessions did. */

import type { Millis } from "../../base/clock.ts";
import type { Json } from "../../base/json.ts";
import { GROUP_EXECUTOR } from "../../domain/task.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, oneRow, rows } from "../command.ts";
import { integer, integerOrNull, text, textOrNull } from "../entity-rows.ts";
import { blobHashOf, loadValue } from "../values.ts";

export interface PresentTask {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly startedAt: Millis | null;
  readonly completedAt: Millis | null;
  readonly priority: number;
}

export interface Present {
  readonly session: { readonly id: string; readonly startedAt: Millis };
  /** The one that has run longest first. */
  readonly running: readonly PresentTask[];
  /** Of the first of them. */
  readonly context: Json;
  /** The newest of them, in the order they completed. */
  readonly completed: readonly PresentTask[];
  readonly completedCount: number;
  /** In the order they are taken. */
  readonly next: readonly PresentTask[];
}

export interface ReadPresent {
  /** Most completed tasks that are given. */
  readonly completed: number;
  /** Most running and most next ones. */
  readonly lines: number;
}

/** Where the newest unfinished session stands; `null` when there is none. */
export const readPresent = defineRead("read-present", function* (context, input: ReadPresent): Command<Present | null> {
  const session = yield* oneRow(
    `select id, created_at, started_at from sessions
      where project_id = ? and status in ('created', 'active', 'paused', 'failed') order by seq desc limit 1`,
    context.projectId,
  );
  if (session === null) return null;
  const sessionId = text(session.id);
  const running = yield* tasksOf(context, sessionId, "status = 'in_progress' order by started_at, seq", input.lines);
  const [first] = running;
  const done = `status = 'completed' and executor <> '${GROUP_EXECUTOR}'`;
  const newest = yield* tasksOf(context, sessionId, `${done} order by completed_at desc, seq desc`, input.completed);
  const count = yield* oneRow(
    `select count(*) as n from tasks where project_id = ? and session_id = ? and ${done}`,
    context.projectId,
    sessionId,
  );
  return {
    session: { id: sessionId, startedAt: integer(session.started_at ?? session.created_at) },
    running: running.map(rowToPresentTask),
    context: yield* loadValue(first?.context, "a task's context"),
    completed: newest.toReversed().map(rowToPresentTask),
    completedCount: integer(count?.n),
    next: (yield* tasksOf(
      context,
      sessionId,
      "status = 'pending' order by priority desc, run_at, seq",
      input.lines,
    )).map(rowToPresentTask),
  };
});

function* tasksOf(
  context: CommandContext,
  sessionId: string,
  condition: string,
  limit: number,
): Command<readonly Row[]> {
  const sql = `select id, title, status, context, priority, started_at, completed_at from tasks
    where project_id = ? and session_id = ? and ${condition} limit ?`;
  return yield* rows(sql, context.projectId, sessionId, limit);
}

function rowToPresentTask(row: Row): PresentTask {
  return {
    id: text(row.id),
    name: text(row.title),
    status: text(row.status),
    startedAt: integerOrNull(row.started_at),
    completedAt: integerOrNull(row.completed_at),
    priority: integer(row.priority),
  };
}

export interface KnownFact {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  readonly source: string;
  readonly trust: number;
  readonly status: string;
  readonly version: number;
  readonly createdAt: Millis;
}

export interface KnownEntry {
  readonly sessionId: string;
  readonly key: string;
  /** `null` when it is larger than was asked for. */
  readonly value: { readonly json: Json } | null;
  readonly importance: number;
  readonly sizeBytes: number;
  readonly expiresAt: Millis | null;
  readonly updatedAt: Millis;
}

export interface Knowledge {
  /** In force; the newest first. */
  readonly facts: readonly KnownFact[];
  readonly factCount: number;
  /** Of unfinished sessions; the newest session first, the most important entry first. */
  readonly entries: readonly KnownEntry[];
}

export interface ReadKnowledge {
  readonly facts: number;
  readonly entries: number;
  readonly valueBytes: number;
}

const IN_FORCE = "status in ('active', 'questioned')";

export const readKnowledge = defineRead(
  "read-knowledge",
  function* (context, input: ReadKnowledge): Command<Knowledge> {
    const facts = yield* rows(
      `select id, kind, text, source, trust, status, version, created_at from facts
        where project_id = ? and ${IN_FORCE} order by seq desc limit ?`,
      context.projectId,
      input.facts,
    );
    const count = yield* oneRow(
      `select count(*) as n from facts where project_id = ? and ${IN_FORCE}`,
      context.projectId,
    );
    const entries = yield* rows(
      `select m.session_id as session_id, m.key as key, m.importance as importance, m.size_bytes as size_bytes,
          m.expires_at as expires_at, m.updated_at as updated_at,
          case when m.size_bytes <= ? then m.value end as value
        from memory m join sessions s on s.project_id = m.project_id and s.id = m.session_id
        where m.project_id = ? and s.status in ('created', 'active', 'paused', 'failed')
        order by s.seq desc, m.importance desc, m.seq limit ?`,
      input.valueBytes,
      context.projectId,
      input.entries,
    );
    return {
      facts: facts.map(rowToKnownFact),
      factCount: integer(count?.n),
      entries: yield* knownEntries(entries),
    };
  },
);

function rowToKnownFact(row: Row): KnownFact {
  return {
    id: text(row.id),
    kind: text(row.kind),
    text: text(row.text),
    source: text(row.source),
    trust: Number(row.trust),
    status: text(row.status),
    version: integer(row.version),
    createdAt: integer(row.created_at),
  };
}

function* knownEntries(found: readonly Row[]): Command<readonly KnownEntry[]> {
  const entries: KnownEntry[] = [];
  for (const row of found) {
    entries.push({
      sessionId: text(row.session_id),
      key: text(row.key),
      value: row.value === null ? null : { json: yield* loadValue(row.value, "working memory") },
      importance: Number(row.importance),
      sizeBytes: integer(row.size_bytes),
      expiresAt: integerOrNull(row.expires_at),
      updatedAt: integer(row.updated_at),
    });
  }
  return entries;
}

export interface SessionEnd {
  readonly id: string;
  /** `null` while it is not finished. */
  readonly finishedAt: Millis | null;
}

/** The newest sessions, and those of `ids` that there still are: whether and when they were finished. */
export const listSessionEnds = defineRead(
  "list-session-ends",
  function* (
    context,
    input: { readonly newest: number; readonly ids: readonly string[] },
  ): Command<readonly SessionEnd[]> {
    const columns = "id, case when status in ('completed', 'cancelled') then coalesce(ended_at, updated_at) end as at";
    const ends = new Map<string, SessionEnd>();
    const add = (row: Row): void => {
      ends.set(text(row.id), { id: text(row.id), finishedAt: integerOrNull(row.at) });
    };
    const newest = `select ${columns} from sessions where project_id = ? order by seq desc limit ?`;
    for (const row of yield* rows(newest, context.projectId, input.newest)) add(row);
    for (const id of input.ids) {
      if (ends.has(id)) continue;
      const sql = `select ${columns} from sessions where project_id = ? and id = ?`;
      for (const row of yield* rows(sql, context.projectId, id)) add(row);
    }
    return [...ends.values()];
  },
);

/** A session as its history file begins; `null` when there is none. */
export interface HistorySession {
  readonly id: string;
  readonly name: string;
  readonly goal: string | null;
  readonly status: string;
  readonly startedAt: Millis | null;
  readonly endedAt: Millis | null;
}

export const readHistorySession = defineRead(
  "read-history-session",
  function* (context, input: { readonly sessionId: string }): Command<HistorySession | null> {
    const sql = "select id, name, goal, status, started_at, ended_at from sessions where project_id = ? and id = ?";
    const row = yield* oneRow(sql, context.projectId, input.sessionId);
    if (row === null) return null;
    return {
      id: text(row.id),
      name: text(row.name),
      goal: textOrNull(row.goal),
      status: text(row.status),
      startedAt: integerOrNull(row.started_at),
      endedAt: integerOrNull(row.ended_at),
    };
  },
);

export interface HistoryTask {
  readonly seq: number;
  readonly id: string;
  readonly parentId: string | null;
  readonly key: string | null;
  readonly title: string;
  readonly description: string | null;
  readonly executor: string;
  readonly status: string;
  readonly retryCount: number;
  readonly startedAt: Millis | null;
  readonly completedAt: Millis | null;
  /** `artifact` names the file of one that is too large to stand here. */
  readonly result: { readonly json: Json } | { readonly artifact: string };
  readonly error: Json;
}

/** The tasks of a session with what came of them, page by page, in order of creation. */
export const listHistoryTasks = defineRead(
  "list-history-tasks",
  function* (
    context,
    input: { readonly sessionId: string; readonly after: number; readonly limit: number },
  ): Command<readonly HistoryTask[]> {
    const sql = `select t.seq as seq, t.id as id, t.parent_id as parent_id, t.key as key, t.title as title,
        t.description as description, t.executor as executor, t.status as status, t.started_at as started_at,
        t.completed_at as completed_at, e.retry_count as retry_count, e.result as result, e.error as error
      from tasks t left join executions e on e.project_id = t.project_id and e.id = t.execution_id
      where t.project_id = ? and t.session_id = ? and t.seq > ? order by t.seq limit ?`;
    const tasks: HistoryTask[] = [];
    for (const row of yield* rows(sql, context.projectId, input.sessionId, input.after, input.limit)) {
      const hash = blobHashOf(row.result);
      tasks.push({
        seq: integer(row.seq),
        id: text(row.id),
        parentId: textOrNull(row.parent_id),
        key: textOrNull(row.key),
        title: text(row.title),
        description: textOrNull(row.description),
        executor: text(row.executor),
        status: text(row.status),
        retryCount: integer(row.retry_count ?? 0),
        startedAt: integerOrNull(row.started_at),
        completedAt: integerOrNull(row.completed_at),
        result: hash === null ? { json: yield* loadValue(row.result, "a task's result") } : { artifact: hash },
        error: yield* loadValue(row.error, "a task's error"),
      });
    }
    return tasks;
  },
);
