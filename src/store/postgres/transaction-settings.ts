/** How a transaction begins: what it sees, how long it may take, whose turn it waits for. */

export type TransactionMode = "write" | "read";

export interface TransactionScope {
  readonly projectId: string;
  readonly schema: string;
  /** `write` waits until no other transaction writes to the project; `read` sees one state of it throughout. */
  readonly mode: TransactionMode;
  /** The last one lost its connection: this one has its time also where others wait. */
  readonly isAgain?: boolean;
}

/** No single statement of a command takes longer; a connection that is silent for longer is given up. */
const STATEMENT_TIMEOUT_MS = { write: 20_000, read: 60_000 } as const;
/** How long one attempt waits for the other writers of the project. */
const LOCK_TIMEOUT_MS = 8_000;
/** A process that stops in the middle of a transaction holds up the others for no longer. */
const IDLE_TIMEOUT_MS = 2_000;
/**
 * Nor one that may have been lost while it waited for its turn. Those lost together have their turns one after the other,
 * and each holds up everybody behind it.
 */
const IDLE_AFTER_WAIT_TIMEOUT_MS = 500;
/** Who waited for longer may be lost. */
const LONG_WAIT_MS = 100;
const SILENCE_MS = 5_000;

/** After so long without an answer a connection is given up. */
export function silenceLimitMs(mode: TransactionMode): number {
  return STATEMENT_TIMEOUT_MS[mode] + SILENCE_MS;
}

export const BEGIN = {
  write: "begin isolation level read committed",
  read: "begin isolation level repeatable read read only",
} as const;

/**
 * What commands write they find by its key, however little the planner knows of tables that have just grown: a plan that reads
 * a small table whole stays in use when it is large.
 */
const WRITE_SETTINGS = [
  ["lock_timeout", String(LOCK_TIMEOUT_MS)],
  ["enable_seqscan", "off"],
  ["enable_hashjoin", "off"],
  ["enable_mergejoin", "off"],
] as const;

/** A setting that nobody sets: asking for it fails, and with it the whole transaction. */
export const PROJECT_IS_GONE = "perdure.project_is_gone";

/**
 * Fails where the project is not there any more: a restore made it another one, and nobody would find what is written under
 * the old id. A statement sees what was there when it began, so the one that waits for its turn may miss it; the one that
 * appends to the log comes behind that.
 */
function failUnlessThere(projects: string, id: string): string {
  return `case when exists (select from ${projects} where id = ${id}) then null else current_setting('${PROJECT_IS_GONE}') end`;
}

/** For a statement behind the settings. */
export const FAIL_UNLESS_THERE = failUnlessThere("projects", "current_setting('perdure.project')");

/** For this transaction alone, so that nothing is left behind on a connection that a pooler hands to others. */
export function settingsOf({ mode, projectId, schema, isAgain = false }: TransactionScope): {
  readonly text: string;
  readonly values: unknown[];
} {
  const settings: readonly (readonly [name: string, value: string])[] = [
    ["perdure.project", projectId],
    ["search_path", schema],
    ["statement_timeout", String(STATEMENT_TIMEOUT_MS[mode])],
    ["idle_in_transaction_session_timeout", String(IDLE_TIMEOUT_MS)],
    ...(mode === "write" ? WRITE_SETTINGS : []),
  ];
  const set = settings.map(([name], at) => `set_config('${name}', $${at + 1}, true)`);
  set.push(failUnlessThere(`${schema}.projects`, "$1"));
  const values: string[] = settings.map(([, value]) => value);
  if (mode === "write") {
    values.push(`perdure:${schema}:${projectId}`);
    set.push(`pg_advisory_xact_lock(hashtextextended($${values.length}, 0))`);
    values.push(String(isAgain ? IDLE_TIMEOUT_MS : IDLE_AFTER_WAIT_TIMEOUT_MS));
    set.push(`case when ${WAITED_MS} > ${LONG_WAIT_MS}
      then set_config('idle_in_transaction_session_timeout', $${values.length}, true) end`);
    set.push(`${WAITED_MS} as waited_ms`);
  }
  return { text: `select ${set.join(", ")}`, values };
}

/** Since the client was last heard of, in the statement that waits for the turn. */
const WAITED_MS = "extract(epoch from clock_timestamp() - statement_timestamp()) * 1000";
