/**
 * What a store presumes to be as its last transaction left it: rows it read, and numbers it had set apart. A transaction that
 * goes by them does not read again. The server looks whether all is as presumed when the log is appended, and fails the
 * transaction unless it is; it is done again then without.
 */

import type { Row } from "../command.ts";
import type { RowCounts } from "./numbering.ts";

/** What a transaction added to the log: the newest change before its own, and its own newest. */
export interface LogSpan {
  readonly before: number;
  readonly newest: number;
}

const MOST_ROWS = 100;
/** Transactions after which it is trusted again. */
const WARY_FOR = 50;

export class Recollection {
  readonly #rows = new Map<string, Row>();
  readonly #numbers = new Map<string, readonly number[]>();
  /** The newest change when the numbers were set apart. As long as it is the newest nobody has numbered anything since. */
  #newest: number | null = null;
  /** Nobody else wrote between its last two transactions, so most likely nobody does before the next. */
  isAlone = false;
  #waryFor = 0;

  /** Whether it has been right for a while. */
  get isTrusted(): boolean {
    return this.#waryFor === 0;
  }

  /** It was wrong just now. */
  mistrust(): void {
    this.#waryFor = WARY_FOR;
  }

  recall(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  /** After a commit: what it read. */
  learn(rows: ReadonlyMap<string, Row>): void {
    if (this.#waryFor > 0) this.#waryFor -= 1;
    for (const [key, row] of rows) {
      this.#rows.delete(key);
      this.#rows.set(key, row);
      const [oldest] = this.#rows.keys();
      if (this.#rows.size > MOST_ROWS && oldest !== undefined) this.#rows.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#rows.delete(key);
  }

  /**
   * So many of each table, to be used by a transaction before which `newest` is the newest change. All, or `null` when it has
   * to ask for others: then those at hand are dropped, as they would come after higher ones.
   */
  takeNumbers(counts: RowCounts, newest: number | null): ReadonlyMap<string, number[]> | null {
    const wanted = Object.entries(counts);
    const isKnown = this.isAlone && newest !== null && newest === this.#newest;
    if (!isKnown || wanted.some(([table, count]) => (this.#numbers.get(table)?.length ?? 0) < count)) {
      this.#forgetNumbers();
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

  /** Those that a transaction had over, by table in order. */
  keepNumbers(left: ReadonlyMap<string, readonly number[]>, span: LogSpan): void {
    this.moveOn(span);
    for (const [table, numbers] of left)
      this.#numbers.set(
        table,
        [...numbers, ...(this.#numbers.get(table) ?? [])].toSorted((a, b) => a - b),
      );
    this.#newest = span.newest;
  }

  get hasNumbers(): boolean {
    return this.#newest !== null;
  }

  /** After a commit. Numbers set apart before somebody else's are of no use any more. */
  moveOn({ before, newest }: LogSpan): void {
    if (before === this.#newest) this.#newest = newest;
    else this.#forgetNumbers();
  }

  forgetAll(): void {
    this.#rows.clear();
    this.#forgetNumbers();
    this.isAlone = false;
  }

  #forgetNumbers(): void {
    this.#numbers.clear();
    this.#newest = null;
  }
}
