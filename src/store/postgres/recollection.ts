/**
 * What a store presumes to be as its last transactions left it. A transaction that goes by that does not read again: the server
 * looks whether all is as presumed when the log is appended, and fails the transaction unless it is; then it is done again
 * without.
 */

import type { Row, Running } from "../command.ts";
import type { NotedChange } from "../ready-notes.ts";
import type { RowCounts } from "./numbering.ts";

/** What a transaction added to the log: the newest change before its own, and its own newest. */
export interface LogSpan {
  readonly before: number;
  readonly newest: number;
}

const MOST_ROWS = 100;
const MOST_RUNNING = 2_000;
/** Transactions after which it is trusted again. */
const WARY_FOR = 50;

export class Recollection {
  /** By a key of their readers, who say what must hold. */
  readonly #rows = new Map<string, Row>();
  /** The newest change of its last transaction. What follows is good as long as that is the newest: nobody else has written. */
  #newest: number | null = null;
  readonly #numbers = new Map<string, readonly number[]>();
  readonly #running = new Map<string, Running>();
  readonly #executionOf = new Map<string, string>();
  #isAlone = false;
  #waryFor = 0;

  /** Nobody else wrote between its last two transactions, so most likely nobody does before the next. */
  get isAlone(): boolean {
    return this.#isAlone && this.isTrusted;
  }

  /** Whether it has been right for a while. */
  get isTrusted(): boolean {
    return this.#waryFor === 0;
  }

  /** It was wrong just now. */
  mistrust(): void {
    this.#waryFor = WARY_FOR;
  }

  isOf(newest: number | null): boolean {
    return newest !== null && newest === this.#newest;
  }

  recall(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  running(executionId: string): Running | undefined {
    return this.#running.get(executionId);
  }

  /** So many of each table; all, or `null` when there are too few: those are dropped, as others are asked for, which come after. */
  takeNumbers(counts: RowCounts): ReadonlyMap<string, number[]> | null {
    const wanted = Object.entries(counts);
    if (wanted.some(([table, count]) => (this.#numbers.get(table)?.length ?? 0) < count)) {
      this.#numbers.clear();
      return null;
    }
    return new Map(
      wanted.map(([table, count]) => {
        const all = this.#numbers.get(table) ?? [];
        this.#numbers.set(table, all.slice(count));
        return [table, all.slice(0, count)];
      }),
    );
  }

  /** After a commit, before what else is learnt from it. */
  moveOn({ before, newest }: LogSpan): void {
    this.#isAlone = before === this.#newest;
    if (!this.#isAlone) this.#forgetOfNewest();
    this.#newest = newest;
  }

  /** After a commit: what it read. */
  learnRows(rows: ReadonlyMap<string, Row>): void {
    if (this.#waryFor > 0) this.#waryFor -= 1;
    putLast(this.#rows, rows, MOST_ROWS);
  }

  learnRunning(running: ReadonlyMap<string, Running>): void {
    putLast(this.#running, running, MOST_RUNNING);
    for (const [executionId, { task }] of running) this.#executionOf.set(String(task.id), executionId);
    if (this.#executionOf.size > 2 * MOST_RUNNING) this.#executionOf.clear();
  }

  /** Those that a transaction had over, by table in order. */
  learnNumbers(left: ReadonlyMap<string, readonly number[]>): void {
    for (const [table, numbers] of left) {
      const all = [...numbers, ...(this.#numbers.get(table) ?? [])];
      this.#numbers.set(
        table,
        all.toSorted((a, b) => a - b),
      );
    }
  }

  forget(key: string): void {
    this.#rows.delete(key);
  }

  /** Also what turns out not to be committed is forgotten. */
  forgetChanged(change: NotedChange): void {
    const executionId = executionIn(change, this.#executionOf);
    if (executionId !== undefined) this.#running.delete(executionId);
  }

  forgetAll(): void {
    this.#rows.clear();
    this.#forgetOfNewest();
    this.#newest = null;
  }

  #forgetOfNewest(): void {
    this.#numbers.clear();
    this.#running.clear();
    this.#executionOf.clear();
    this.#isAlone = false;
  }
}

/** Of which running task a change tells. */
function executionIn({ entity, row }: NotedChange, executionOf: ReadonlyMap<string, string>): string | undefined {
  if (entity === "executions") return String(row.id);
  if (entity === "tasks") return executionOf.get(String(row.id));
  return entity === "dependencies" ? executionOf.get(String(row.depends_on_id)) : undefined;
}

function putLast<Value>(all: Map<string, Value>, added: ReadonlyMap<string, Value>, most: number): void {
  for (const [key, value] of added) {
    all.delete(key);
    all.set(key, value);
  }
  for (const [oldest] of all) {
    if (all.size <= most) return;
    all.delete(oldest);
  }
}
