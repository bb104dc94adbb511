/** The logged tables: their columns and what identifies a row. Everything that writes state or replays the log goes by this. */

import { LIMITS } from "../domain/limits.ts";
import { executionMachine } from "../domain/execution.ts";
import { factMachine } from "../domain/fact.ts";
import { sessionMachine } from "../domain/session.ts";
import type { AnyStateMachine } from "../domain/state-machine.ts";
import { stepMachine } from "../domain/step.ts";
import { taskMachine } from "../domain/task.ts";

export interface Table {
  readonly name: string;
  /** Besides `project_id`, which every key begins with. */
  readonly key: readonly string[];
  /** All but `project_id`. `seq` is assigned by the database and logged like any other column. */
  readonly columns: readonly string[];
  /** Columns that hold JSON text (or a reference to a blob). */
  readonly json: readonly string[];
  readonly hasSeq: boolean;
  /** Whether restoring a checkpoint of its session changes it. Default: yes, when it has a `session_id`, and for sessions. */
  readonly isRestored: boolean;
  /** JSON columns whose values go to the blobs above this many bytes rather than `LIMITS.inlineBytes`: those written once and often large. */
  readonly inlineBytes?: Readonly<Record<string, number>>;
  /** A new row is logged without the columns that its change says anyway (`implied-columns.ts`): for rows that are many and small. */
  readonly isTerse?: boolean;
  /** Of its column `status`, if it has one: no write may change it in a way the machine does not know. */
  readonly machine?: AnyStateMachine;
}

function table(definition: Omit<Table, "hasSeq" | "isRestored"> & { readonly isRestored?: boolean }): Table {
  const { name, columns } = definition;
  return {
    isRestored: name === "sessions" || columns.includes("session_id"),
    ...definition,
    hasSeq: columns.includes("seq"),
  };
}

export const SESSIONS = table({
  name: "sessions",
  key: ["id"],
  columns:
    words(`seq id name status goal plan_file plan_fingerprint concurrency max_unfinished metadata created_at updated_at
    started_at ended_at end_told_at agent_id user_id origin_id origin_checkpoint_id`),
  json: ["metadata"],
  machine: sessionMachine,
});

export const TASKS = table({
  name: "tasks",
  key: ["id"],
  columns:
    words(`seq id session_id parent_id key title description executor input kind status blocked_reason blocked_note
    priority weight waiting_on on_dependency_failure context max_retries retry timeout_ms schedule overlap catch_up
    scheduled_for missed_until run_at execution_id source created_at updated_at started_at completed_at held origin_id
    labels limit_key limit_concurrency limit_rate_count limit_rate_ms`),
  json: ["input", "context", "retry", "schedule", "source"],
  machine: taskMachine,
});

export const DEPENDENCIES = table({
  name: "dependencies",
  key: ["task_id", "depends_on_id"],
  columns: words("task_id depends_on_id session_id kind"),
  json: [],
});

export const EXECUTIONS = table({
  name: "executions",
  key: ["id"],
  columns:
    words(`seq id session_id task_id kind status attempt retry_count fence worker_id scheduled_for interrupt_requested
    result error progress started_at updated_at ended_at`),
  json: ["result", "error", "progress"],
  machine: executionMachine,
});

export const STEPS = table({
  name: "steps",
  key: ["execution_id", "position"],
  columns:
    words(`execution_id position session_id task_id name kind status effect concurrent handled attempt result error
    started_at ended_at`),
  json: ["kind", "result", "error"],
  machine: stepMachine,
});

export const SIGNALS = table({
  name: "signals",
  key: ["id"],
  columns: words("seq id session_id task_id name payload created_at consumed_at"),
  json: ["payload"],
});

export const ARTIFACTS = table({
  name: "artifacts",
  key: ["id"],
  columns: words("seq id session_id task_id execution_id name media_type size_bytes hash created_at"),
  json: [],
});

export const MESSAGES = table({
  name: "messages",
  key: ["session_id", "position"],
  columns: words("session_id position role parts token_count created_at"),
  json: ["parts"],
  // Written once and never changed: kept once for the row and its change, so that a conversation is stored about once.
  inlineBytes: { parts: 256 },
  isTerse: true,
});

export const ENVIRONMENTS = table({
  name: "environments",
  key: ["hash"],
  columns: words("hash content created_at"),
  json: ["content"],
});

export const CHECKPOINTS = table({
  name: "checkpoints",
  key: ["id"],
  columns: words("seq id session_id label kind position environment_hash workspace checksum created_at"),
  json: [],
  // They are the points that are restored to; those after one stay (INV-6).
  isRestored: false,
  isTerse: true,
});

export const MEMORY = table({
  name: "memory",
  key: ["session_id", "key"],
  columns: words("seq session_id key value importance size_bytes expires_at created_at updated_at"),
  json: ["value"],
});

export const FACTS = table({
  name: "facts",
  key: ["id"],
  columns: words(`seq id kind text source trust status status_note content_hash supersedes_id version created_at
    updated_at`),
  json: [],
  machine: factMachine,
});

export const FACT_DEPENDENCIES = table({
  name: "fact_dependencies",
  key: ["fact_id", "depends_on_id"],
  columns: words("fact_id depends_on_id"),
  json: [],
});

/** Of the project, over all its workers. */
export const LIMIT_RULES = table({
  name: "limit_rules",
  key: ["id"],
  columns: words("id position subject pattern concurrency rate_count rate_ms created_at updated_at"),
  json: [],
});

/** What was cleaned up when, and up to which change the log was cut off: before that, the mirror alone holds it. */
export const CLEANUPS = table({
  name: "cleanups",
  key: ["id"],
  columns: words("seq id trimmed_through removed created_at"),
  json: ["removed"],
});

/** In an order that lets rows be inserted before those that refer to them. */
export const LOGGED_TABLES: readonly Table[] = [
  SESSIONS,
  TASKS,
  DEPENDENCIES,
  EXECUTIONS,
  STEPS,
  SIGNALS,
  ARTIFACTS,
  MESSAGES,
  ENVIRONMENTS,
  CHECKPOINTS,
  MEMORY,
  FACTS,
  FACT_DEPENDENCIES,
  CLEANUPS,
  LIMIT_RULES,
];

export function tableOf(entity: string): Table | undefined {
  return LOGGED_TABLES.find(({ name }) => name === entity);
}

/** The bytes of JSON above which a value of the column goes to the blobs. */
export function inlineBytesOf(target: Table, column: string): number {
  return target.inlineBytes?.[column] ?? LIMITS.inlineBytes;
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

/** The columns of `target` for a select, each under its own name. */
export function columnsOf(target: Table, alias?: string): string {
  return target.columns.map((column) => (alias === undefined ? column : `${alias}.${column} as ${column}`)).join(", ");
}
