/**
 * One transaction on one connection, for the commands of a group. Statements go down the connection as they come; only
 * those whose rows are needed are waited for. Entries of the change log are gathered and appended at the end as one statement.
 */

import type { PoolClient, QueryResult } from "pg";

import { assert } from "../../base/assert.ts";
import type { Answer, Asked, Command, Row, SqlValue, Statement, StatementSets } from "../command.ts";
import { isList } from "../command.ts";
import type { Dialect, PostgresStatement } from "./dialect.ts";
import { SET_COLUMN, toStored } from "./dialect.ts";
import { ConnectionLost } from "./postgres-errors.ts";

export interface TransactionOptions {
  readonly client: PoolClient;
  readonly dialect: Dialect;
  readonly prepares: boolean;
  readonly projectId: string;
  readonly schema: string;
  /** `write` waits until no other transaction writes to the project; `read` sees one state of it throughout. */
  readonly mode: "write" | "read";
}

/** No single statement of a command takes longer; a connection that is silent for longer is given up. */
const STATEMENT_TIMEOUT_MS = { write: 20_000, read: 60_000 } as const;
/** How long one attempt waits for the other writers of the project. */
const LOCK_TIMEOUT_MS = 8_000;
/** A process that stops in the middle of a transaction holds up the others for no longer. */
const IDLE_TIMEOUT_MS = 2_000;
const SILENCE_MS = 5_000;

type LogEntry = readonly SqlValue[];

/** By what one entry of the change log is told from all others. */
const ENTRY_KEY = ["at", "actor", "verb", "entity", "row_key", "part"];

/** The first entry after the newest there was is of this transaction, as nobody else writes to the project meanwhile. */
const MARK_SQL = `select pg_current_xact_id()::text as id,
  coalesce((select max(seq) from changes where project_id = current_setting('perdure.project')), 0) as newest`;

export interface CommitMark {
  readonly transactionId: string;
  readonly newestSeq: number;
  readonly entries: ReadonlySet<string>;
}

export class Transaction {
  readonly #options: TransactionOptions;
  readonly #sent: Promise<unknown>[] = [];
  #failure: { readonly error: unknown } | null = null;
  #log: LogEntry[] = [];
  /** All there were, also those of calls that were gone back on. */
  readonly #entries: LogEntry[] = [];
  #logSql: string | null = null;
  #writes = 0;
  #hasLogged = false;
  #identifying: Promise<QueryResult> | null = null;
  readonly #sequences = new Set<string>();

  constructor(options: TransactionOptions) {
    this.#options = options;
    const { mode } = options;
    this.#send({ text: BEGIN[mode] });
    const { text, values } = settingsOf(options);
    this.#send(this.#prepared(`settings_${mode}`, text, values));
  }

  /** How many statements that write were given to it. */
  get writes(): number {
    return this.#writes;
  }

  async drive<Result>(command: Command<Result>): Promise<Result> {
    let step = command.next([]);
    while (!step.done) {
      const answer = this.#ask(step.value);
      step = command.next(answer instanceof Promise ? await answer : answer);
    }
    return step.value;
  }

  #ask(asked: Asked): Answer | Promise<Answer> {
    if (isList(asked)) return Promise.all(asked.map((sets) => this.#runSets(sets)));
    return "sets" in asked ? this.#runSets(asked) : this.#run(asked);
  }

  /** A point to go back to. Returns what goes back there. */
  async savepoint(): Promise<() => Promise<void>> {
    await this.settle();
    const logged = this.#log.length;
    this.#send({ text: "savepoint call" });
    return async () => {
      this.#log.length = logged;
      this.#failure = null;
      // What was sent behind the failure has failed as well, and does not count.
      await Promise.allSettled(this.#sent.splice(0));
      this.#failure = null;
      await this.#send({ text: "rollback to savepoint call" });
    };
  }

  release(): void {
    this.#send({ text: "release savepoint call" });
  }

  /** Waits for everything sent. @throws the first failure */
  async settle(): Promise<void> {
    await Promise.all(this.#sent.splice(0));
    this.#refuseFailed();
  }

  /** Whether it has added to the change log. */
  get hasLogged(): boolean {
    return this.#hasLogged;
  }

  /** What tells later whether this was committed, by `wasCommitted` of another; `null` when nothing was written. */
  async mark(): Promise<CommitMark | null> {
    if (this.#identifying === null) return null;
    await this.settle();
    const { rows } = await this.#identifying;
    const entries = new Set(this.#entries.map((entry) => this.#entryKey(entry)));
    return { transactionId: String(rows[0]?.id), newestSeq: Number(rows[0]?.newest), entries };
  }

  /**
   * Whether what another transaction of this project wrote is there. This one has the project's lock, so the other has
   * come to its end. Its id alone does not tell: a server that crashed gives ids again that it had not written down.
   */
  async wasCommitted({ transactionId, newestSeq, entries }: CommitMark): Promise<boolean> {
    if (entries.size === 0) {
      // Of no state, and safe to do again: what follows only saves doing it.
      const sql = `select $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot()) as is_past,
        case when $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot()) then pg_xact_status($1::text::xid8) end as status`;
      const { rows } = await this.#send({ text: sql, values: [transactionId] });
      return rows[0]?.status === "committed";
    }
    const sql = `select ${ENTRY_KEY.join(", ")} from changes
      where project_id = current_setting('perdure.project') and seq > $1 order by seq limit 1`;
    const { rows } = await this.#send({ text: sql, values: [newestSeq] });
    const row = rows[0] as Row | undefined;
    return row !== undefined && entries.has(JSON.stringify(ENTRY_KEY.map((column) => row[column])));
  }

  /** Appends what was logged and commits. */
  async commit(): Promise<void> {
    this.#appendLog();
    for (const table of this.#sequences) this.#send({ text: sequenceText(table) });
    const committing = this.#send({ text: "commit" });
    await this.settle();
    const { command } = await committing;
    // A commit of a transaction that had failed is answered by `ROLLBACK`.
    if (command !== "COMMIT") throw new ConnectionLost(`the server answered a commit by ${command}`);
  }

  async rollback(): Promise<void> {
    await Promise.allSettled(this.#sent.splice(0));
    await this.#send({ text: "rollback" });
  }

  #run({ sql, params }: Statement): readonly Row[] | Promise<readonly Row[]> {
    const statement = this.#options.dialect.statementOf(sql);
    if (this.#defer(statement, sql, [params])) return [];
    const sending = this.#send(this.#prepared(statement.name, statement.text, params.map(toStored)));
    if (!statement.answers) return [];
    return this.#answer(sending).then(({ rows }) => rows as Row[]);
  }

  #runSets({ sql, sets }: StatementSets): readonly (readonly Row[])[] | Promise<readonly (readonly Row[])[]> {
    const statement = this.#options.dialect.statementOf(sql);
    if (this.#defer(statement, sql, sets)) return sets.map(() => []);
    const merged = sets.length > 1 ? this.#options.dialect.mergedOf(sql, sets) : null;
    if (merged === null) {
      const each = sets.map((params) => this.#run({ sql, params }));
      return statement.answers ? Promise.all(each) : sets.map(() => []);
    }
    const sending = this.#send(this.#prepared(merged.name, merged.text, merged.values));
    if (statement.verb === "update") {
      // Two sets that meet the same row would write it once.
      this.#check(
        sending,
        ({ rowCount }) => rowCount === sets.length,
        `${sets.length} rows are there to be updated in ${statement.table}`,
      );
    }
    if (!statement.answers) return sets.map(() => []);
    return this.#answer(sending).then(({ rows }) => rowsBySet(statement, rows as Row[], sets.length));
  }

  /** Entries of the log wait for the end; whatever reads the log sees them. Returns whether the statement was kept back. */
  #defer(statement: PostgresStatement, sql: string, sets: readonly (readonly SqlValue[])[]): boolean {
    if (statement.verb !== "select") this.#noteWrite(sets.length);
    if (statement.setsSeq) this.#sequences.add(statement.table);
    if (statement.verb === "insert" && statement.table === "changes" && !statement.answers && !statement.setsSeq) {
      this.#logSql = sql;
      this.#log.push(...sets);
      this.#entries.push(...sets);
      this.#hasLogged = true;
      return true;
    }
    if (statement.readsLog || statement.table === "changes") this.#appendLog();
    return false;
  }

  /** With the first write the transaction gets its id, which is asked for on the way, so that no round trip is spent on it. */
  #noteWrite(count: number): void {
    this.#writes += count;
    this.#identifying ??= this.#send(this.#prepared("transaction_id", MARK_SQL, []));
  }

  #entryKey(entry: LogEntry): string {
    const columns = (/\(([^)]+)\)/.exec(this.#logSql ?? "")?.[1] ?? "").split(", ");
    return JSON.stringify(ENTRY_KEY.map((column) => entry[columns.indexOf(column)]));
  }

  #appendLog(): void {
    const sets = this.#log;
    if (sets.length === 0 || this.#logSql === null) return;
    this.#log = [];
    const { dialect } = this.#options;
    const merged = dialect.mergedOf(this.#logSql, sets);
    assert(merged !== null, "entries of the change log are of one form");
    this.#send(this.#prepared(merged.name, merged.text, merged.values));
  }

  #prepared(
    name: string,
    text: string,
    values: unknown[],
  ): { readonly text: string; readonly values: unknown[]; readonly name?: string } {
    return this.#options.prepares ? { name, text, values } : { text, values };
  }

  #send(query: { readonly text: string; readonly values?: unknown[]; readonly name?: string }): Promise<QueryResult> {
    const timeoutMs = STATEMENT_TIMEOUT_MS[this.#options.mode] + SILENCE_MS;
    const sending = this.#options.client.query({
      ...query,
      query_timeout: timeoutMs,
    } as typeof query) as Promise<QueryResult>;
    this.#sent.push(sending);
    sending.catch((error: unknown) => {
      this.#failure ??= { error };
    });
    return sending;
  }

  #check(sending: Promise<QueryResult>, holds: (result: QueryResult) => boolean, what: string): void {
    const checked = sending.then((result) => assert(holds(result), what));
    this.#sent.push(checked);
    checked.catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  async #answer(sending: Promise<QueryResult>): Promise<QueryResult> {
    try {
      return await sending;
    } catch (error) {
      // What failed first is the reason; everything sent behind it failed because of it.
      throw this.#failure?.error ?? error;
    }
  }

  #refuseFailed(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}

function rowsBySet(statement: PostgresStatement, rows: readonly Row[], count: number): readonly (readonly Row[])[] {
  if (statement.verb !== "select") {
    assert(rows.length === count, `each row inserted into ${statement.table} comes back`);
    return rows.map((row) => [row]);
  }
  const sets: Row[][] = Array.from({ length: count }, () => []);
  for (const { [SET_COLUMN]: number, ...row } of rows) sets[Number(number) - 1]?.push(row);
  return sets;
}

const BEGIN = {
  write: "begin isolation level read committed",
  read: "begin isolation level repeatable read read only",
} as const;

/** For this transaction alone, so that nothing is left behind on a connection that a pooler hands to others. */
function settingsOf({ mode, projectId, schema }: TransactionOptions): {
  readonly text: string;
  readonly values: unknown[];
} {
  const settings: readonly (readonly [name: string, value: string])[] = [
    ["search_path", schema],
    ["perdure.project", projectId],
    ["statement_timeout", String(STATEMENT_TIMEOUT_MS[mode])],
    ["idle_in_transaction_session_timeout", String(IDLE_TIMEOUT_MS)],
    ...(mode === "write" ? ([["lock_timeout", String(LOCK_TIMEOUT_MS)]] as const) : []),
  ];
  const set = settings.map(([name], at) => `set_config('${name}', $${at + 1}, true)`);
  const values: string[] = settings.map(([, value]) => value);
  if (mode === "write") {
    values.push(`perdure:${schema}:${projectId}`);
    set.push(`pg_advisory_xact_lock(hashtextextended($${values.length}, 0))`);
  }
  return { text: `select ${set.join(", ")}`, values };
}

/** Past the highest `seq` that was written with a value of its own. */
function sequenceText(table: string): string {
  return `select setval('${table}_seq', greatest((select max(seq) from ${table} where project_id = current_setting('perdure.project')), (select last_value from ${table}_seq)))`;
}
