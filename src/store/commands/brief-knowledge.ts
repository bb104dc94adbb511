/** What a brief says besides tasks: facts of the project, working memory, messages, files, environments, other sessions. */

import type { Millis } from "../../base/clock.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { isJsonObject } from "../../base/json.ts";
import type { SessionId } from "../../domain/ids.ts";
import type { SessionStatus } from "../../domain/session.ts";
import type { Command, CommandContext } from "../command.ts";
import { oneRow, rows } from "../command.ts";
import { integer, text, textOrNull } from "../entity-rows.ts";
import { loadValue } from "../values.ts";
import type { BriefScope } from "./brief-tasks.ts";

export interface BriefFact {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
  readonly source: string;
  /** Something it was built on has fallen. */
  readonly isQuestioned: boolean;
  readonly note: string | null;
}

export interface BriefEntry {
  readonly key: string;
  readonly value: Json;
  readonly importance: number;
}

/** The session's two newest checkpoints' environments that differ; `before` is `null` when there is only one. */
export interface BriefEnvironments {
  readonly before: JsonObject | null;
  readonly after: JsonObject;
  readonly changedAt: Millis;
}

export interface BriefSessionLine {
  readonly id: string;
  readonly name: string;
  readonly status: SessionStatus;
}

export interface Counted<Item> {
  readonly items: readonly Item[];
  /** Also those beyond the limit of the list. */
  readonly total: number;
}

export interface BriefKnowledge {
  readonly memory: Counted<BriefEntry>;
  readonly messages: { readonly count: number; readonly tokenCount: number; readonly newestAt: Millis | null };
  /** As tasks and the newest checkpoint name them, each once, in alphabetical order. */
  readonly files: readonly string[];
  readonly environments: BriefEnvironments | null;
}

export function* readBriefKnowledge(context: CommandContext, scope: BriefScope): Command<BriefKnowledge> {
  const environments = yield* newestEnvironments(context, scope.sessionId);
  const files = new Set(yield* filesOfTasks(context, scope));
  for (const file of texts(environments?.after.changedFiles)) files.add(file);
  return {
    memory: yield* importantEntries(context, scope),
    messages: yield* countMessages(context, scope.sessionId),
    files: [...files].toSorted(),
    environments,
  };
}

const KINDS_IN_FORCE = ["decision", "constraint", "pattern", "finding"];

/** Decisions and constraints first, since they bind; within a kind the most trusted, then the newest. */
export function* readFacts(context: CommandContext, limit: number): Command<Counted<BriefFact>> {
  const order = KINDS_IN_FORCE.map((kind, index) => `when '${kind}' then ${index}`).join(" ");
  const sql = `select id, kind, text, source, status, status_note from facts
    where project_id = ? and status in ('active', 'questioned')
    order by case kind ${order} else ${KINDS_IN_FORCE.length} end, trust desc, seq desc limit ?`;
  const items = (yield* rows(sql, context.projectId, limit)).map((row) => ({
    id: text(row.id),
    kind: text(row.kind),
    text: text(row.text),
    source: text(row.source),
    isQuestioned: row.status === "questioned",
    note: textOrNull(row.status_note),
  }));
  const count = "select count(*) as n from facts where project_id = ? and status in ('active', 'questioned')";
  return { items, total: integer((yield* oneRow(count, context.projectId))?.n) };
}

/** Newest first, the one that is told left out. */
export function* readOtherSessions(
  context: CommandContext,
  { besides, limit }: { readonly besides: SessionId; readonly limit: number },
): Command<Counted<BriefSessionLine>> {
  const where = "project_id = ? and id <> ? and status in ('created', 'active', 'paused', 'failed')";
  const found = yield* rows(
    `select id, name, status from sessions where ${where} order by seq desc limit ?`,
    context.projectId,
    besides,
    limit,
  );
  const count = yield* oneRow(`select count(*) as n from sessions where ${where}`, context.projectId, besides);
  return {
    items: found.map((row) => ({
      id: text(row.id),
      name: text(row.name),
      status: text(row.status) as SessionStatus,
    })),
    total: integer(count?.n),
  };
}

const IMPORTANT = 0.5;

/** The most important, then the newest. */
function* importantEntries(context: CommandContext, scope: BriefScope): Command<Counted<BriefEntry>> {
  const where = "project_id = ? and session_id = ? and importance >= ? and (expires_at is null or expires_at > ?)";
  const params = [context.projectId, scope.sessionId, IMPORTANT, context.now];
  const found = yield* rows(
    `select key, value, importance from memory where ${where} order by importance desc, updated_at desc, seq desc limit ?`,
    ...params,
    scope.lines,
  );
  const items: BriefEntry[] = [];
  for (const row of found) {
    const value = yield* loadValue(row.value, "a working memory entry");
    items.push({ key: text(row.key), value, importance: Number(row.importance) });
  }
  const count = yield* oneRow(`select count(*) as n from memory where ${where}`, ...params);
  return { items, total: integer(count?.n) };
}

function* countMessages(context: CommandContext, sessionId: SessionId): Command<BriefKnowledge["messages"]> {
  const sql = `select count(*) as n, coalesce(sum(token_count), 0) as tokens, max(created_at) as newest_at
    from messages where project_id = ? and session_id = ?`;
  const row = yield* oneRow(sql, context.projectId, sessionId);
  const newestAt = row?.newest_at;
  return {
    count: integer(row?.n),
    tokenCount: integer(row?.tokens),
    newestAt: typeof newestAt === "number" ? newestAt : null,
  };
}

/** What tasks say they changed in their context, under `files_modified` or `files`. */
function* filesOfTasks(context: CommandContext, scope: BriefScope): Command<readonly string[]> {
  // Narrows down what is parsed; a blob is always looked into.
  const sql = `select context from tasks where project_id = ? and session_id = ?
    and (context like '%"files%' or context like '@sha256:%') order by updated_at desc, seq desc limit ?`;
  const files: string[] = [];
  for (const row of yield* rows(sql, context.projectId, scope.sessionId, scope.names)) {
    const said = yield* loadValue(row.context, "a task's context");
    if (isJsonObject(said)) files.push(...texts(said.files_modified), ...texts(said.files));
  }
  return files;
}

function* newestEnvironments(context: CommandContext, sessionId: SessionId): Command<BriefEnvironments | null> {
  const newest = yield* checkpointBefore(context, sessionId, null);
  if (newest === null) return null;
  const other = yield* checkpointBefore(context, sessionId, newest.hash);
  const first = yield* oneRow(
    "select min(created_at) as at from checkpoints where project_id = ? and session_id = ? and seq > ?",
    context.projectId,
    sessionId,
    other?.seq ?? 0,
  );
  return { before: other?.content ?? null, after: newest.content, changedAt: integer(first?.at) };
}

/** The newest checkpoint, or the newest made in another environment than `unlike`. */
function* checkpointBefore(
  context: CommandContext,
  sessionId: SessionId,
  unlike: string | null,
): Command<{ readonly seq: number; readonly hash: string; readonly content: JsonObject } | null> {
  const sql = `select c.seq as seq, e.hash as hash, e.content as content from checkpoints c
    join environments e on e.project_id = c.project_id and e.hash = c.environment_hash
    where c.project_id = ? and c.session_id = ? and c.environment_hash <> ? order by c.seq desc limit 1`;
  const row = yield* oneRow(sql, context.projectId, sessionId, unlike ?? "");
  if (row === null) return null;
  const content = yield* loadValue(row.content, "an environment");
  return { seq: integer(row.seq), hash: text(row.hash), content: isJsonObject(content) ? content : {} };
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
