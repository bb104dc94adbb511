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
  /** Of each task in `#running`. */
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

  hasNumbers(counts: RowCounts): boolean {
    return Object.entries(counts).every(([table, count]) => (this.#numbers.get(table)?.length ?? 0) >= count);
  }

  takeNumbers(counts: RowCounts): ReadonlyMap<string, number[]> {
    return new Map(
      Object.entries(counts).map(([table, count]) => {
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
    for (const [key, row] of rows) {
      this.#rows.delete(key);
      this.#rows.set(key, row);
    }
    for (const oldest of this.#rows.keys()) {
      if (this.#rows.size <= MOST_ROWS) break;
      this.#rows.delete(oldest);
    }
  }

  learnRunning(running: ReadonlyMap<string, Running>): void {
    for (const [executionId, one] of running) {
      this.#running.set(executionId, one);
      this.#executionOf.set(String(one.task.id), executionId);
    }
    for (const oldest of this.#running.keys()) {
      if (this.#running.size <= MOST_RUNNING) break;
      this.#forgetRunning(oldest);
    }
  }

  /** What a transaction had over by table, and the highest it used: those below would come after later ones. */
  learnNumbers(left: ReadonlyMap<string, readonly number[]>, highest: ReadonlyMap<string, number>): void {
    for (const table of new Set([...left.keys(), ...highest.keys()])) {
      const all = [...(left.get(table) ?? []), ...(this.#numbers.get(table) ?? [])];
      const usable = all.filter((number) => number > (highest.get(table) ?? 0));
      this.#numbers.set(
        table,
        usable.toSorted((a, b) => a - b),
      );
    }
  }

  forget(key: string): void {
    this.#rows.delete(key);
  }

  /** Also what turns out not to be committed is forgotten. */
  forgetChanged(change: NotedChange): void {
    const executionId = executionIn(change, this.#executionOf);
    if (executionId !== undefined) this.#forgetRunning(executionId);
  }

  #forgetRunning(executionId: string): void {
    const running = this.#running.get(executionId);
    if (running === undefined) return;
    this.#running.delete(executionId);
    this.#executionOf.delete(String(running.task.id));
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
