/**
 * The SQLite driver: runs commands against one database file with `node:sqlite`.
 *
 * Group commit: calls made in the same turn of the event loop share one transaction, a savepoint each, and one fsync.
 * Several processes may use the file at once. SQLite's own busy handler would starve writers and block the event loop,
 * so a busy database is tried again from a timer, and a process that sees others write leaves a gap between its groups.
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";

import { monotonicMs } from "../../base/stopwatch.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { ProjectId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { Command, CommandContext, CommandDefinition, Row, Statement } from "../command.ts";
import { becomeProject } from "../commands/become-project.ts";
import type { ExecuteOptions, ProjectIdentity, Store, StoreInspection } from "../port.ts";
import { watchCommits } from "./commit-watch.ts";
import type { HookedStore, StoreHooks } from "./hooked-store.ts";
import type { Durability } from "./open-database.ts";
import { openDatabase } from "./open-database.ts";
import type { ProjectRow } from "./project-row.ts";
import { adoptProject, ensureProject } from "./project-row.ts";
import { quickCheck } from "./quick-check.ts";
import { runCommand } from "./run-command.ts";
import { closedStore, fromSqliteError, isBusy } from "./sqlite-errors.ts";

export interface SqliteStoreOptions {
  /** Of the database file; `:memory:` for one that lives as long as the store. */
  readonly path: string;
  /** `full` (default): an acknowledged write survives power loss. `normal`: it survives a killed process, but the last moments may not survive power loss. */
  readonly durability?: Durability;
  /** Name a new project gets. */
  readonly projectName: string;
  readonly actor: string;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a write waits for other processes before it fails. Default 30 s. */
  readonly busyTimeoutMs?: number;
}

interface Call {
  readonly command: CommandDefinition<unknown, unknown>;
  readonly input: unknown;
  readonly actor: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly call: Call; readonly result: unknown } | { readonly call: Call; readonly error: unknown };

/** A group is committed after this long even if more calls wait, so that the event loop turns. */
const GROUP_BUDGET_MS = 2.5;
/** How long after another process was seen writing this one keeps leaving gaps. */
const CONTENTION_MS = 250;
const GAP_MS = 2;
const DEFAULT_BUSY_TIMEOUT_MS = 30_000;
/** Rows written by this process after which it copies the write-ahead log back into the database, in a turn of its own. */
const CHECKPOINT_ROWS = 4_000;

export function openSqliteStore(options: SqliteStoreOptions): Store & { readonly projectId: ProjectId } {
  return new SqliteStore(options, null);
}

export function openHookedStore(options: SqliteStoreOptions, hooks: StoreHooks): HookedStore {
  return new SqliteStore(options, hooks);
}

class SqliteStore implements HookedStore {
  #projectId: ProjectId;
  readonly #options: SqliteStoreOptions;
  readonly #hooks: StoreHooks | null;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #listeners = new Set<() => void>();
  #queue: Call[] = [];
  #isScheduled = false;
  #busySince: number | null = null;
  #contendedUntil = 0;
  #dataVersion = 0;
  #rowsWritten = 0;
  #rowsAtCheckpoint = 0;
  #stopWatching: (() => void) | null = null;
  #isNotifying = false;
  #closing: Promise<void> | null = null;
  #onDrained: (() => void) | null = null;

  constructor(options: SqliteStoreOptions, hooks: StoreHooks | null) {
    this.#options = options;
    this.#hooks = hooks;
    const { path, durability = "full", busyTimeoutMs = DEFAULT_BUSY_TIMEOUT_MS } = options;
    this.#database = openDatabase({ path, durability, busyTimeoutMs });
    try {
      this.#projectId = ensureProject(this.#database, options);
      this.#dataVersion = this.#readDataVersion();
      // Opening waited in SQLite; everything after is tried again from timers.
      this.#database.exec("pragma busy_timeout = 0");
    } catch (error) {
      this.#database.close();
      throw fromSqliteError(error, options.path);
    }
  }

  get projectId(): ProjectId {
    return this.#projectId;
  }

  execute<Input, Result>(
    command: CommandDefinition<Input, Result>,
    input: Input,
    options?: ExecuteOptions,
  ): Promise<Result> {
    if (this.#closing !== null) return Promise.reject(closedStore(this.#options.path));
    return new Promise<Result>((resolve, reject) => {
      this.#queue.push({
        command: command as CommandDefinition<unknown, unknown>,
        input,
        actor: options?.actor ?? this.#options.actor,
        resolve: resolve as (result: unknown) => void,
        reject,
      });
      this.#schedule();
    });
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    const look = (): void => this.#lookForForeignCommits();
    this.#stopWatching ??= this.#hooks === null ? watchCommits(this.#options, look) : this.#hooks.watch(look);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stopWatching?.();
      this.#stopWatching = null;
    };
  }

  async inspect(): Promise<StoreInspection> {
    const location = this.#options.path;
    if (this.#closing !== null) throw closedStore(location);
    return { location, schemaVersion: this.#readPragma("user_version"), problems: quickCheck(this.#database) };
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain().then(() => {
      this.#stopWatching?.();
      this.#listeners.clear();
      this.#statements.clear();
      this.#database.close();
    });
    return this.#closing;
  }

  #drain(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  /** Runs the queue in the next turn of the event loop, or after a gap when others write too. */
  #schedule(delayMs = 0): void {
    if (this.#isScheduled) return;
    if (delayMs === 0 && monotonicMs() < this.#contendedUntil) delayMs = GAP_MS + this.#options.random.next();
    this.#isScheduled = true;
    if (delayMs === 0) setImmediate(() => this.#flush());
    else setTimeout(() => this.#flush(), delayMs);
  }

  #flush(): void {
    this.#isScheduled = false;
    if (this.#checkpointIfDue()) {
      this.#schedule();
      return;
    }
    const writes = this.#queue.some((call) => call.command.access === "write");
    if (!this.#mayBegin(writes)) return;
    try {
      this.#run(writes ? "begin immediate" : "begin");
      // Reading it takes the snapshot that the whole group sees, so that nothing is busy any more after this.
      if (this.#noticeForeignCommits()) this.#notify();
    } catch (error) {
      if (this.#database.isTransaction) this.#run("rollback");
      this.#hooks?.afterGroup();
      this.#retryOrFail(error);
      return;
    }
    this.#busySince = null;
    const outcomes = this.#runGroup();
    if (outcomes !== null) this.#commit(outcomes, writes);
    this.#hooks?.afterGroup();
    if (this.#queue.length > 0) this.#schedule();
    else this.#onDrained?.();
  }

  /** Whether the hooks let a group begin now. If not, it is tried again when they do. */
  #mayBegin(writes: boolean): boolean {
    const wait = this.#hooks?.beforeGroup(writes) ?? null;
    if (wait === null) return true;
    // So that nothing else schedules a group meanwhile.
    this.#isScheduled = true;
    wait.then(
      () => this.#flush(),
      (error: unknown) => {
        this.#isScheduled = false;
        this.#refuseAll(error);
      },
    );
    return false;
  }

  /** Runs calls from the queue until it is empty or the group has taken long enough; `null` when the transaction was lost and the calls were refused. */
  #runGroup(): readonly Outcome[] | null {
    const startedAt = monotonicMs();
    const outcomes: Outcome[] = [];
    let taken = 0;
    for (const call of this.#queue) {
      taken += 1;
      outcomes.push(this.#runCall(call));
      if (!this.#database.isTransaction) {
        // SQLite gave up the whole transaction: a full disk, a failing one.
        const last = outcomes.at(-1);
        const error = last !== undefined && "error" in last ? last.error : closedStore(this.#options.path);
        for (const refused of this.#queue.splice(0, taken)) refused.reject(error);
        return null;
      }
      if (monotonicMs() - startedAt > GROUP_BUDGET_MS) break;
    }
    this.#queue = this.#queue.slice(taken);
    return outcomes;
  }

  #contextOf(actor: string): CommandContext {
    let parts = 0;
    return {
      projectId: this.#projectId,
      now: this.#options.clock.now(),
      actor,
      dialect: "sqlite",
      uuid: () => this.#options.random.uuid(),
      nextPart: () => parts++,
    };
  }

  runNow<Input, Result>(command: CommandDefinition<Input, Result>, input: Input): Result {
    const perform = (): Result => this.#drive(command.perform(this.#contextOf(this.#options.actor), input));
    if (this.#database.isTransaction) return perform();
    this.#run("begin");
    try {
      const result = perform();
      this.#run("commit");
      return result;
    } catch (error) {
      this.#run("rollback");
      throw error;
    }
  }

  adoptProject(project: ProjectRow): void {
    this.#projectId = adoptProject(this.#database, project);
  }

  async becomeProject(project: ProjectIdentity): Promise<void> {
    await this.execute(becomeProject, { ...project, keepsName: false });
    this.#projectId = asId(project.projectId);
  }

  noticeOthers(): void {
    this.#contendedUntil = monotonicMs() + CONTENTION_MS;
    this.#notify();
  }

  #runCall(call: Call): Outcome {
    const context = this.#contextOf(call.actor);
    const isWrite = call.command.access === "write";
    if (isWrite) this.#run("savepoint call");
    try {
      const result = this.#drive(call.command.perform(context, call.input));
      if (isWrite) this.#run("release call");
      return { call, result };
    } catch (error) {
      if (isWrite && this.#database.isTransaction) {
        this.#run("rollback to call");
        this.#run("release call");
      }
      return { call, error: fromSqliteError(error, this.#options.path) };
    }
  }

  #drive<Result>(command: Command<Result>): Result {
    return runCommand(command, (statement) => this.#query(statement));
  }

  #commit(outcomes: readonly Outcome[], writes: boolean): void {
    try {
      if (writes) this.#hooks?.beforeCommit();
      this.#run("commit");
    } catch (error) {
      if (this.#database.isTransaction) this.#run("rollback");
      const mapped = fromSqliteError(error, this.#options.path);
      for (const { call } of outcomes) call.reject(mapped);
      return;
    }
    for (const outcome of outcomes) {
      if ("error" in outcome) outcome.call.reject(outcome.error);
      else outcome.call.resolve(outcome.result);
    }
    const written = Number(this.#query({ sql: "select total_changes() as n", params: [] })[0]?.n);
    if (written !== this.#rowsWritten) this.#notify();
    this.#rowsWritten = written;
  }

  /**
   * Copies the write-ahead log back when enough was written. SQLite would do it inside a commit, holding up the event
   * loop for both; it is left to do so only as a last resort.
   */
  #checkpointIfDue(): boolean {
    if (this.#rowsWritten - this.#rowsAtCheckpoint < CHECKPOINT_ROWS) return false;
    this.#rowsAtCheckpoint = this.#rowsWritten;
    try {
      this.#run("pragma wal_checkpoint(passive)");
    } catch {
      // Nothing is lost: the log keeps what was not copied back, and the next commit tells what is wrong with the disk.
    }
    return true;
  }

  /** The database is busy: again in a moment, until the time for it is up. Any other failure refuses the calls that wait. */
  #retryOrFail(error: unknown): void {
    const now = monotonicMs();
    this.#busySince ??= now;
    const timeoutMs = this.#options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS;
    if (isBusy(error) && now - this.#busySince < timeoutMs) {
      this.#contendedUntil = now + CONTENTION_MS;
      this.#schedule(0.5 + this.#options.random.next());
      return;
    }
    this.#busySince = null;
    this.#refuseAll(fromSqliteError(error, this.#options.path));
  }

  #refuseAll(error: unknown): void {
    for (const call of this.#queue.splice(0)) call.reject(error);
    this.#onDrained?.();
  }

  #query(statement: Statement): readonly Row[] {
    let prepared = this.#statements.get(statement.sql);
    if (prepared === undefined) {
      prepared = this.#database.prepare(statement.sql);
      this.#statements.set(statement.sql, prepared);
    }
    return prepared.all(...statement.params) as readonly Row[];
  }

  #run(sql: string): void {
    this.#query({ sql, params: [] });
  }

  #readDataVersion(): number {
    return this.#readPragma("data_version");
  }

  #readPragma(name: "data_version" | "user_version"): number {
    return Number(this.#query({ sql: `pragma ${name}`, params: [] })[0]?.[name]);
  }

  /** Whether another connection has committed since the last look. */
  #noticeForeignCommits(): boolean {
    const version = this.#readDataVersion();
    if (version === this.#dataVersion) return false;
    this.#dataVersion = version;
    this.#contendedUntil = monotonicMs() + CONTENTION_MS;
    return true;
  }

  #lookForForeignCommits(): void {
    if (this.#closing !== null) return;
    if (this.#hooks !== null) {
      this.noticeOthers();
      return;
    }
    try {
      if (this.#noticeForeignCommits()) this.#notify();
    } catch {
      // Busy for a moment, or broken: the next look or call tells.
    }
  }

  #notify(): void {
    if (this.#isNotifying || this.#listeners.size === 0) return;
    this.#isNotifying = true;
    setImmediate(() => {
      this.#isNotifying = false;
      for (const listener of this.#listeners) listener();
    });
  }
}
