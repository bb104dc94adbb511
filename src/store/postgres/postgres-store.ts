/**
 * The Postgres driver: runs commands in transactions on pooled connections of `pg`.
 *
 * Writers of one project take turns: a transaction that writes holds the project's advisory lock until it is committed. So
 * commands see each other's work whole, as on SQLite, and the change log is in the order of the commits; projects do not
 * wait for each other. What makes turns short is that all calls in flight share one (group commit), equal calls become one
 * statement (`performTogether`), and writes are sent without waiting for each.
 *
 * A connection may break at any moment. Before the commit was sent everything is done again; after it the server is asked
 * whether the transaction was committed, so that an acknowledged write took place and no write takes place twice (INV-1).
 */

import type { PoolClient } from "pg";

import type { Clock } from "../../base/clock.ts";
import { monotonicMs } from "../../base/stopwatch.ts";
import type { ProjectId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import type { CommandContext, CommandDefinition } from "../command.ts";
import { becomeProject } from "../commands/become-project.ts";
import type { CommitListener, ExecuteOptions, ProjectIdentity, Store, StoreInspection } from "../port.ts";
import type { Call, Outcome } from "./calls.ts";
import { impatientFirst, settle, withLatestInput } from "./calls.ts";
import { openConnections } from "./connections.ts";
import { LingeringCalls } from "./lingering-calls.ts";
import { InDoubt } from "./in-doubt.ts";
import type { Opened, Opening, PostgresStoreOptions } from "./opening.ts";
import { failClock, lookAtClock, prepare } from "./opening.ts";
import { newestChange } from "./newest-change.ts";
import { Notifier } from "./notifier.ts";
import { performGroup } from "./perform-group.ts";
import { fromPostgresError, isConnectionLost, isTransient, unreachableStore } from "./postgres-errors.ts";
import { isPresumedWrongly } from "./presumed.ts";
import { Recollection } from "./recollection.ts";
import { serverClock } from "./server-clock.ts";
import { parsePostgresUrl } from "./store-url.ts";
import { StandingCalls } from "../standby.ts";
import { watchForSilence } from "./silence.ts";
import { TableStatistics } from "./table-statistics.ts";
import { Transaction } from "./transaction.ts";
import { delay, endedOrLate } from "./waiting.ts";

export interface PostgresStore extends Store {
  readonly projectId: ProjectId;
  /** What the store tells the time by. */
  readonly clock: Clock;
}

const DEFAULT_PATIENCE_MS = 60_000;
/** So that a server which is not there is told at once, and one that is just starting is waited for. */
const OPENING_PATIENCE_MS = 3_000;
const GROUP_CALLS = 500;
/** Where the turn was another's for so long, it may be so the next time. */
const CONTENDED_MS = 1;
/** How long a store that closes waits for answers to what was read. */
const LAST_READS_MS = 2_000;
const RETRY_MS = { first: 20, most: 1_000 } as const;

/** @throws PerdureError `not-found` when it must exist and does not; `store-unreachable`, `store-too-new`, `store-damaged`, `unsupported`, `invalid-input` */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const url = parsePostgresUrl(options.url);
  const connections = await openConnections(url);
  const time = options.clock === undefined ? serverClock() : null;
  const deadline = monotonicMs() + OPENING_PATIENCE_MS;
  for (let delayMs: number = RETRY_MS.first; ; delayMs = Math.min(RETRY_MS.most, delayMs * 2)) {
    try {
      const opened = await prepare({ connections, url, options, time });
      return new PooledStore({ ...opened, connections, url, options, time });
    } catch (error) {
      if (isTransient(error) && monotonicMs() < deadline) {
        await delay(delayMs);
        continue;
      }
      await connections.close();
      throw fromPostgresError(error, url.location);
    }
  }
}

class PooledStore implements PostgresStore {
  #projectId: ProjectId;
  readonly clock: Clock;
  readonly #opening: Opening & Opened;
  readonly #notifier: Notifier;
  readonly #statistics: TableStatistics;
  readonly standsBy = true;
  #queue: Call[] = [];
  readonly #standing = new StandingCalls<Call>();
  #writing: Promise<void> | null = null;
  readonly #reading = new Set<Promise<unknown>>();
  readonly #lingering = new LingeringCalls({
    isBusy: () => this.#writing !== null,
    onDue: (calls) => {
      this.#queue.push(...calls);
      this.#startWriting();
    },
  });
  /** Numbers of its own commits. */
  #newestCommit = 0;
  #newestReadying = 0;
  #closing: Promise<void> | null = null;
  #isClosed = false;
  /** How long its last transaction waited for its turn. */
  #turnWaitMs = 0;
  /** Its last transaction lost its connection. */
  #wasLost = false;
  /** A change that is in the log for good. */
  #knownSeq: number | null = null;
  readonly #recollection = new Recollection();

  constructor(opening: Opening & Opened) {
    this.#opening = opening;
    this.#projectId = opening.projectId;
    this.clock = opening.options.clock ?? opening.time ?? failClock();
    this.#statistics = new TableStatistics({ connections: opening.connections, schema: opening.url.schema });
    this.#notifier = new Notifier({
      connections: opening.connections,
      listens: opening.url.listens,
      storeId: opening.options.random.uuid().slice(0, 8),
      projectId: () => this.projectId,
      newestSeq: () => newestChange(opening, this.projectId),
    });
  }

  get projectId(): ProjectId {
    return this.#projectId;
  }

  /** The one of its name, by which it is found again. */
  async becomeProject(project: ProjectIdentity): Promise<void> {
    await this.execute(becomeProject, { ...project, keepsName: true });
    this.#projectId = asId(project.projectId);
    this.#knownSeq = null;
    this.#recollection.forgetAll();
  }

  execute<Input, Result>(
    command: CommandDefinition<Input, Result>,
    input: Input,
    options?: ExecuteOptions,
  ): Promise<Result> {
    if (this.#closing !== null) return Promise.reject(this.#closedError());
    return new Promise<Result>((resolve, reject) => {
      const call: Call = {
        command: command as CommandDefinition<unknown, unknown>,
        input,
        actor: options?.actor ?? this.#opening.options.actor,
        latestInput: options?.latestInput,
        onCommitted: options?.onCommitted,
        resolve: resolve as (result: unknown) => void,
        reject,
      };
      if (options?.standby !== undefined)
        this.#standing.add(call, { standby: options.standby, enqueue: (waiting) => this.#enqueue(waiting) });
      else if (command.access === "read") this.#startRead(call);
      else this.#enqueue(call);
    });
  }

  onCommit(listener: CommitListener): () => void {
    return this.#notifier.onCommit(listener);
  }

  async inspect(): Promise<StoreInspection> {
    if (this.#closing !== null) throw this.#closedError();
    const { url, schemaVersion } = this.#opening;
    const problems = await this.#retrying(async (client) => {
      const { rows } = await client.query(INVALID_INDEXES_SQL, [url.schema]);
      return rows.map(
        (row) =>
          `index ${String(row.name)} is not valid; \`reindex index ${url.schema}.${String(row.name)}\` makes it again`,
      );
    });
    return { location: url.location, schemaVersion, problems };
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const call of this.#standing.take()) call.reject(this.#closedError());
      this.#queue.push(...this.#lingering.take());
      if (this.#queue.length > 0) this.#startWriting();
      while (this.#writing !== null) await this.#writing;
      // Reads change nothing: those that a silent server has not answered are given up with their connections.
      await endedOrLate(this.#reading, LAST_READS_MS);
      await this.#notifier.close();
      await this.#statistics.settle();
      this.#isClosed = true;
      await this.#opening.connections.close();
    })();
    return this.#closing;
  }

  #enqueue(call: Call): void {
    const { lingerMs = 0 } = call.command;
    if (lingerMs > 0) return this.#lingering.add(call, lingerMs);
    this.#queue.push(call);
    this.#startWriting();
  }

  #startWriting(): void {
    // In the next turn, so that calls made in this one share a transaction; and from a promise there, so that all it sends
    // before it waits leaves as one write.
    this.#writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#write());
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0) {
      const group: Call[] = [];
      try {
        const outcomes = await this.#commitGroup(group);
        settle(outcomes, this.#newestCommit);
      } catch (error) {
        if (group.length === 0) this.#fill(group);
        for (const call of group) call.reject(fromPostgresError(error, this.#opening.url.location));
      }
    }
    this.#writing = null;
  }

  #fill(group: Call[]): void {
    const calls = this.#queue.slice(0, GROUP_CALLS);
    this.#queue = this.#queue.slice(GROUP_CALLS);
    group.push(...impatientFirst(this.#queue.length === 0 ? calls.map(withLatestInput) : calls));
  }

  /** A read sees what the calls before it wrote, and does not hold up those after it. */
  #startRead(call: Call): void {
    if (this.#queue.length > 0) this.#startWriting();
    const before = this.#writing;
    const reading = (async () => {
      if (before !== null) await before;
      call.resolve(
        await this.#retrying(async (client) => {
          const transaction = this.#begin(client, "read");
          try {
            return await transaction.drive(call.command.perform(this.#contextOf(call.actor), call.input));
          } finally {
            await transaction.rollback();
          }
        }),
      );
    })().catch((error: unknown) => call.reject(fromPostgresError(error, this.#opening.url.location)));
    this.#reading.add(reading);
    void reading.then(() => this.#reading.delete(reading));
  }

  /** What waits, as the group, in one transaction, tried until the server took it or patience is over. */
  async #commitGroup(group: Call[]): Promise<readonly Outcome[]> {
    let isApart = false;
    return await this.#retrying(async (client, inDoubt) => {
      for (;;) {
        try {
          return await this.#attempt(client, group, { isApart, inDoubt });
        } catch (error) {
          if (isPresumedWrongly(error)) {
            this.#recollection.mistrust();
            continue;
          }
          // One of them cannot be done: again, each in a savepoint of its own, so that it alone fails.
          if (isApart || isTransient(error)) throw error;
          isApart = true;
        }
      }
    });
  }

  async #attempt(
    client: PoolClient,
    group: Call[],
    { isApart, inDoubt }: { readonly isApart: boolean; readonly inDoubt: InDoubt },
  ): Promise<readonly Outcome[]> {
    const transaction = this.#begin(client, "write");
    try {
      // Where others are ahead, calls made while it waits for its turn share it; else the first statements go along with the lock.
      if (this.#turnWaitMs > CONTENDED_MS) await transaction.turn();
      void transaction.turn().then(
        (waitMs) => (this.#turnWaitMs = waitMs),
        () => null,
      );
      if (group.length === 0) this.#fill(group);
      const settled = await inDoubt.settle(transaction);
      if (settled !== null) {
        // What took place has taken place, also when this connection is lost as well.
        await transaction.rollback().catch(() => null);
        this.#notifier.tellListeners(undefined);
        this.#notifier.tellOthersSoon();
        return settled;
      }
      const { outcomes, isReadying } = await performGroup({
        transaction,
        location: this.#opening.url.location,
        calls: group,
        isApart,
        standing: this.#standing,
        mayPresume: !isApart && this.#recollection.isTrusted,
        contextOf: ({ actor }) => ({ ...this.#contextOf(actor), presumptions: transaction.presumptions }),
      });
      const mark = await transaction.mark();
      if (mark !== null) inDoubt.enter(mark, outcomes);
      const news = transaction.logged > 0 ? this.#notifier.tellOthers() : null;
      this.#knownSeq = (await transaction.commit(news)) ?? this.#knownSeq;
      inDoubt.leave();
      this.#wasLost = false;
      this.#statistics.note(transaction.logged);
      if (transaction.writes > 0) this.#tellListeners(isReadying);
      return outcomes;
    } catch (error) {
      this.#recollection.forgetAll();
      this.#wasLost = isConnectionLost(error);
      if (!this.#wasLost) {
        // The server has said that it did not take place.
        inDoubt.leave();
        await transaction.rollback();
      }
      throw error;
    }
  }

  #tellListeners(isReadying: boolean): void {
    this.#newestCommit += 1;
    if (isReadying) this.#newestReadying = this.#newestCommit;
    this.#notifier.tellListeners({ newest: this.#newestCommit, newestReadying: this.#newestReadying });
  }

  #begin(client: PoolClient, mode: "write" | "read"): Transaction {
    const { dialect, url } = this.#opening;
    return new Transaction({
      client,
      dialect,
      prepares: url.prepares,
      projectId: this.projectId,
      schema: url.schema,
      mode,
      isAgain: this.#wasLost,
      knownSeq: this.#knownSeq,
      recollection: this.#recollection,
    });
  }

  /** Takes a connection and uses it; what fails for want of one, or for a lock, is tried again until patience is over. */
  async #retrying<Result>(use: (client: PoolClient, inDoubt: InDoubt) => Promise<Result>): Promise<Result> {
    const { connections, options, time } = this.#opening;
    const deadline = monotonicMs() + (options.patienceMs ?? DEFAULT_PATIENCE_MS);
    const inDoubt = new InDoubt();
    for (let delayMs: number = RETRY_MS.first; ; delayMs = Math.min(RETRY_MS.most, delayMs * 2)) {
      let client: PoolClient | null = null;
      let stopWatching = (): void => {};
      let failure: unknown;
      const fail = (error: unknown): void => {
        failure ??= error;
      };
      try {
        client = await connections.take();
        client.on("error", fail);
        stopWatching = watchForSilence(connections, client);
        if (time?.isDue() === true) await lookAtClock(client, time);
        return await use(client, inDoubt);
      } catch (error) {
        failure = error;
        // A store that is closed has no connections any more.
        if (!isTransient(error) || monotonicMs() > deadline || this.#isClosed) throw error;
      } finally {
        stopWatching();
        client?.removeListener("error", fail);
        client?.release(isConnectionLost(failure));
      }
      await delay(delayMs * (0.5 + options.random.next()));
    }
  }

  #contextOf(actor: string): CommandContext {
    let parts = 0;
    const { random } = this.#opening.options;
    return {
      projectId: this.projectId,
      now: this.clock.now(),
      actor,
      dialect: "postgres",
      uuid: () => random.uuid(),
      nextPart: () => parts++,
    };
  }

  #closedError(): Error {
    return unreachableStore(this.#opening.url.location, "the store is closed", "Open it again with openPerdure.");
  }
}

const INVALID_INDEXES_SQL = `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relnamespace = $1::regnamespace and not i.indisvalid`;
