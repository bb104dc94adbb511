/**
 * One transaction on one connection, for the commands of a group. Statements go down the connection as they come; only
 * those whose rows are needed are waited for. Entries of the change log are gathered and appended at the end as one statement.
 */

import type { PoolClient, QueryResult } from "pg";

import { assert } from "../../base/assert.ts";
import type { Answer, Asked, Command, Row, SqlValue, Statement, StatementSets } from "../command.ts";
import { isList } from "../command.ts";
import type { CommitMark, LogEntry } from "./commit-mark.ts";
import { findMark, isMarkIn, markOf } from "./commit-mark.ts";
import { socketOf } from "./connections.ts";
import type { Dialect, PostgresStatement } from "./dialect.ts";
import { SET_COLUMN, toStored } from "./dialect.ts";
import type { RowCounts } from "./numbering.ts";
import { Numbering } from "./numbering.ts";
import type { PlainQuery } from "./plain-query.ts";
import { sendPlain } from "./plain-query.ts";
import { ConnectionLost } from "./postgres-errors.ts";
import type { Recollection } from "./recollection.ts";
import type { Looks } from "./presumed.ts";
import { lookAt } from "./presumed.ts";
import { TransactionPresumptions } from "./transaction-presumptions.ts";
import type { TransactionScope } from "./transaction-settings.ts";
import { BEGIN, FAIL_UNLESS_THERE, settingsOf, silenceLimitMs } from "./transaction-settings.ts";

export interface TransactionOptions extends TransactionScope {
  readonly client: PoolClient;
  readonly dialect: Dialect;
  readonly prepares: boolean;
  /** A change that was in the log before this transaction began; `null` when none is known. */
  readonly knownSeq?: number | null;
  readonly recollection: Recollection;
}

const NEWEST_SQL = `select coalesce(max(seq), 0) as seq from changes where project_id = current_setting('perdure.project')`;

/** In a statement that appends to the log: it sees the log as it was before. */
const BEFORE = `(select coalesce(max(seq), 0) from changes where project_id = current_setting('perdure.project')) as before`;

const NAMED_CONDITIONS = 4;

export class Transaction {
  readonly #options: TransactionOptions;
  readonly #turn: Promise<number>;
  readonly #sent: Promise<unknown>[] = [];
  #failure: { readonly error: unknown } | null = null;
  #log: LogEntry[] = [];
  /** All there are to be, also those that were appended already. */
  readonly #entries: LogEntry[] = [];
  #logSql: string | null = null;
  #writes = 0;
  /** The newest change before its own, and then its own newest. */
  #newest: Promise<number> | null = null;
  #after: Promise<number> | null = null;
  /** The newest change before its own, as the log said when those were appended. */
  #before: Promise<number> | null = null;
  readonly #sequences = new Set<string>();
  readonly #numbering: Numbering;
  /** What it goes by without having read it, and what it learns for those after it. */
  readonly presumptions: TransactionPresumptions;
  #isGathering = false;

  constructor(options: TransactionOptions) {
    this.#options = options;
    const { mode } = options;
    this.#send({ text: BEGIN[mode] });
    const settings = settingsOf(options);
    const sending = this.#send(this.#prepared(`settings_${mode}`, settings.text, settings.values));
    this.#turn = sending.then(({ rows }) => Number((rows as Row[])[0]?.waited_ms ?? 0));
    // Said by whoever settles.
    this.#turn.catch(() => {});
    const { recollection, projectId, knownSeq = null } = options;
    this.presumptions = new TransactionPresumptions({
      recollection,
      projectId,
      knownSeq,
      hasLogged: () => this.#newest !== null,
    });
    this.#numbering = new Numbering({
      recollection,
      projectId,
      send: ({ name, text, values = [] }) => this.#answer(this.#send(this.#prepared(name ?? "", text, values))),
      presumeAlone: () => this.presumptions.presumeAlone(),
    });
  }

  /** Resolves when it may read and write, with the milliseconds that others were ahead of it. */
  turn(): Promise<number> {
    return this.#turn;
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
    // What is logged so far stays, whatever reads the log behind the savepoint.
    this.#appendLog();
    await this.settle();
    const entered = this.#entries.length;
    this.#send({ text: "savepoint call" });
    return async () => {
      this.#log = [];
      this.#entries.length = entered;
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

  /** How many entries of the log it adds. */
  get logged(): number {
    return this.#entries.length;
  }

  /** Sets apart the numbers of so many rows: inserting them then takes no round trip for each statement. */
  reserve(counts: RowCounts): void {
    this.#numbering.reserve(counts);
  }

  /**
   * What tells later whether this was committed, by `wasCommitted` of another; `null` when nothing was logged: what is not
   * logged is of no state, and may be done again.
   */
  async mark(): Promise<CommitMark | null> {
    if (this.#entries.length === 0 || this.#after === null) return null;
    return markOf(this.#options.dialect.columnsOf(this.#logSql ?? ""), this.#entries, await this.#after);
  }

  /**
   * Whether what another transaction of this project wrote is there. This one has the project's lock, so the other has
   * come to its end. The server's word on the other's id would not do: after a crash it gives ids again that it had not
   * written down.
   */
  async wasCommitted(mark: CommitMark): Promise<boolean> {
    const { rows } = await this.#send(findMark(mark));
    return isMarkIn(mark, rows as Row[]);
  }

  /**
   * Appends what was logged and commits. `behind` is sent behind the commit and not waited for.
   *
   * Returns the newest change, when it made one.
   */
  async commit(behind?: PlainQuery | null): Promise<number | null> {
    this.#appendLog();
    this.#lookAtPresumed();
    for (const table of this.#sequences) this.#send({ text: sequenceText(table) });
    const committing = this.#send({ text: "commit" });
    const sent = this.#sent.splice(0);
    if (behind != null) this.#send(behind).catch(() => {});
    await Promise.all(sent);
    this.#refuseFailed();
    const { command } = await committing;
    // A commit of a transaction that had failed is answered by `ROLLBACK`.
    if (command !== "COMMIT") throw new ConnectionLost(`the server answered a commit by ${command}`);
    if (this.#newest === null) return null;
    const newest = await this.#newest;
    await this.#learn(newest);
    return newest;
  }

  async #learn(newest: number): Promise<void> {
    const before = this.presumptions.before ?? (await (this.#numbering.newestBefore ?? this.#before));
    if (before !== null) await this.presumptions.learn({ before, newest }, this.#numbering);
  }

  async rollback(): Promise<void> {
    await Promise.allSettled(this.#sent.splice(0));
    await this.#send({ text: "rollback" });
  }

  #run({ sql, params }: Statement): readonly Row[] | Promise<readonly Row[]> {
    const statement = this.#options.dialect.statementOf(sql);
    if (this.#defer(statement, sql, [params])) return [];
    if (this.#isReserved(statement)) return this.#insertReserved(statement, sql, [params]).then(([row]) => row ?? []);
    const sending = this.#send(this.#prepared(statement.name, statement.text, params.map(toStored)));
    if (!statement.answers) return [];
    return this.#answer(sending).then(({ rows }) => rows as Row[]);
  }

  #runSets({ sql, sets }: StatementSets): readonly (readonly Row[])[] | Promise<readonly (readonly Row[])[]> {
    const statement = this.#options.dialect.statementOf(sql);
    if (this.#defer(statement, sql, sets)) return sets.map(() => []);
    if (this.#isReserved(statement)) return this.#insertReserved(statement, sql, sets);
    const merged = sets.length > 1 ? this.#options.dialect.mergedOf(sql, sets) : null;
    if (merged === null) {
      const each = sets.map((params) => this.#run({ sql, params }));
      return statement.answers ? Promise.all(each) : sets.map(() => []);
    }
    const sent = merged.map(({ name, text, values }) => this.#send(this.#prepared(name, text, values)));
    if (statement.verb === "update") {
      // Two sets that meet the same row would write it once.
      this.#check(
        sent,
        (results) => results.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0) === sets.length,
        `${sets.length} rows are there to be updated in ${statement.table}`,
      );
    }
    if (!statement.answers) return sets.map(() => []);
    return Promise.all(sent.map((sending) => this.#answer(sending))).then((results) =>
      rowsBySet(
        statement,
        results.flatMap(({ rows }) => rows as Row[]),
        sets.length,
      ),
    );
  }

  /** Entries of the log wait for the end; whatever reads the log sees them. Returns whether the statement was kept back. */
  #defer(statement: PostgresStatement, sql: string, sets: readonly (readonly SqlValue[])[]): boolean {
    if (statement.verb !== "select") this.#writes += sets.length;
    if (statement.setsSeq) this.#sequences.add(statement.table);
    if (statement.verb === "insert" && !this.#isReserved(statement)) this.#numbering.pass(statement.table);
    if (statement.verb === "insert" && statement.table === "changes" && !statement.answers && !statement.setsSeq) {
      this.#logSql = sql;
      this.#log.push(...sets);
      this.#entries.push(...sets);
      this.#after ??= this.#newestBefore();
      return true;
    }
    if (statement.readsLog || statement.table === "changes") this.#appendLog();
    return false;
  }

  /** Asked for on the way, where it is not known. */
  #newestBefore(): Promise<number> {
    const { knownSeq = null } = this.#options;
    if (knownSeq !== null) return Promise.resolve(knownSeq);
    return seqIn(this.#answer(this.#send(this.#prepared("newest", NEWEST_SQL, []))), "seq");
  }

  #isReserved({ table, returnsSeq }: PostgresStatement): boolean {
    return returnsSeq && this.#numbering.has(table);
  }

  /** With values of `seq` that were set apart, as far as they go. */
  async #insertReserved(
    statement: PostgresStatement,
    sql: string,
    sets: readonly (readonly SqlValue[])[],
  ): Promise<readonly (readonly Row[])[]> {
    const { table } = statement;
    const seqs = await this.#numbering.take(table, sets.length);
    if (seqs === null) return await this.#runSets({ sql, sets });
    this.#insertWithSeqs(
      sql,
      sets.map((params, at) => [seqs[at] ?? null, ...params]),
    );
    return seqs.map((seq) => [{ seq }]);
  }

  #insertWithSeqs(sql: string, sets: readonly (readonly SqlValue[])[]): void {
    const { dialect } = this.#options;
    const withSeq = dialect.withSeq(sql);
    const merged = sets.length > 1 ? dialect.mergedOf(withSeq, sets) : null;
    if (merged !== null) {
      for (const { name, text, values } of merged) this.#send(this.#prepared(name, text, values));
      return;
    }
    const { name, text } = dialect.statementOf(withSeq);
    for (const params of sets) this.#send(this.#prepared(name, text, params.map(toStored)));
  }

  #appendLog(): void {
    const sets = this.#log;
    if (sets.length === 0 || this.#logSql === null) return;
    this.#log = [];
    const { dialect } = this.#options;
    const merged = dialect.mergedOf(this.#logSql, sets);
    assert(merged !== null, "entries of the change log are of one form");
    for (const { text, values } of merged) {
      const asksBefore = (this.presumptions.before ?? this.#before ?? this.#numbering.newestBefore) === null;
      const looks = lookAt(this.presumptions.takePresumed(), values.length);
      const told = ["max(seq) as seq", FAIL_UNLESS_THERE, ...(asksBefore ? [BEFORE] : []), ...looks.columns].join(", ");
      const added = this.#namedUnlessRare(`with added as (${text} returning seq) select ${told} from added`, looks);
      const sending = this.#send({ ...added, values: [...values, ...looks.values] });
      this.#newest = seqIn(this.#answer(sending), "seq");
      if (asksBefore) this.#before = seqIn(this.#answer(sending), "before");
    }
  }

  /** What nothing was logged with. */
  #lookAtPresumed(): void {
    const looks = lookAt(this.presumptions.takePresumed(), 0);
    if (looks.columns.length === 0) return;
    this.#send({ ...this.#namedUnlessRare(`select ${looks.columns.join(", ")}`, looks), values: [...looks.values] });
  }

  /** The server keeps what is prepared for good; of many conditions there are too many ways to be put together. */
  #namedUnlessRare(text: string, { columns }: Looks): PlainQuery {
    if (!this.#options.prepares || columns.length > NAMED_CONDITIONS) return { text };
    return this.#options.dialect.named(text);
  }

  #prepared(name: string, text: string, values: unknown[]): PlainQuery {
    return this.#options.prepares ? { name, text, values } : { text, values };
  }

  #send(query: PlainQuery): Promise<QueryResult> {
    this.#gather();
    const sending = sendPlain(this.#options.client, query, silenceLimitMs(this.#options.mode));
    this.#sent.push(sending);
    sending.catch((error: unknown) => {
      this.#failure ??= { error };
    });
    return sending;
  }

  /** Statements of one turn of the event loop leave as one write. */
  #gather(): void {
    if (this.#isGathering) return;
    const stream = socketOf(this.#options.client);
    this.#isGathering = true;
    stream.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      stream.uncork();
    });
  }

  #check(
    sent: readonly Promise<QueryResult>[],
    holds: (results: readonly QueryResult[]) => boolean,
    what: string,
  ): void {
    const checked = Promise.all(sent).then((results) => assert(holds(results), what));
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

function seqIn(answer: Promise<QueryResult>, column: "seq" | "before"): Promise<number> {
  const seq = answer.then(({ rows }) => Number((rows as Row[])[0]?.[column]));
  // Said by whoever settles.
  seq.catch(() => {});
  return seq;
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

/** Past the highest `seq` that was written with a value of its own. */
function sequenceText(table: string): string {
  return `select setval('${table}_seq', greatest((select max(seq) from ${table} where project_id = current_setting('perdure.project')), (select last_value from ${table}_seq)))`;
}
