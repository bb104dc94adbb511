/** The `seq` of the rows one transaction inserts, set apart before it inserts them, so that it need not be told of each. */

import type { QueryResult } from "pg";

import type { Row } from "../command.ts";
import type { PlainQuery } from "./plain-query.ts";
import type { Recollection } from "./recollection.ts";

/** Rows that commands are about to insert, by table. */
export type RowCounts = Readonly<Record<string, number>>;

interface NumberingOptions {
  readonly recollection: Recollection;
  readonly projectId: string;
  send(query: PlainQuery): Promise<QueryResult>;
  /** Whether it may go by what holds as long as nobody else writes. */
  presumeAlone(): boolean;
}

interface SetApart {
  readonly newest: number;
  readonly numbers: ReadonlyMap<string, number[]>;
}

/** For how many transactions like this one numbers are set apart at a time. */
const AHEAD = 8;

export class Numbering {
  readonly #options: NumberingOptions;
  readonly #reserved = new Map<string, Promise<number[]>>();
  readonly #answers: Promise<SetApart>[] = [];
  readonly #highest = new Map<string, number>();

  constructor(options: NumberingOptions) {
    this.#options = options;
  }

  /** Sets apart so many values of `seq`: those at hand where nobody else has written meanwhile, else new ones, on the way. */
  reserve(counts: RowCounts): void {
    const wanted = Object.entries(counts).filter(([, count]) => count > 0);
    if (wanted.length === 0) return;
    const { recollection, presumeAlone } = this.#options;
    const counted = Object.fromEntries(wanted);
    if (recollection.hasNumbers(counted) && presumeAlone()) {
      for (const [table, numbers] of recollection.takeNumbers(counted))
        this.#reserved.set(table, Promise.resolve(numbers));
      return;
    }
    const times = recollection.isAlone ? AHEAD : 1;
    const answer = this.#ask(wanted.map(([table, count]) => [table, count * times]));
    this.#answers.push(answer);
    // Said by whoever settles.
    answer.catch(() => {});
    for (const [table, count] of wanted) {
      const own = answer.then(({ numbers }) => (numbers.get(table) ?? []).splice(0, count));
      own.catch(() => {});
      this.#reserved.set(table, own);
    }
  }

  has(table: string): boolean {
    return this.#reserved.has(table);
  }

  /** The next ones of a table, or `null` when too few were set apart. */
  async take(table: string, count: number): Promise<readonly number[] | null> {
    const reserved = (await this.#reserved.get(table)) ?? [];
    if (reserved.length < count) {
      this.#reserved.delete(table);
      return null;
    }
    const taken = reserved.splice(0, count);
    this.#highest.set(table, Math.max(this.#highest.get(table) ?? 0, ...taken));
    return taken;
  }

  /** Rows of this table got other numbers, which come after all that were set apart. */
  pass(table: string): void {
    this.#highest.set(table, Number.POSITIVE_INFINITY);
  }

  /** The highest that were used, by table. */
  get highest(): ReadonlyMap<string, number> {
    return this.#highest;
  }

  /** What the newest change was before the transaction's own; `null` when it was not asked. */
  get newestBefore(): Promise<number> | null {
    return this.#answers[0]?.then(({ newest }) => newest) ?? null;
  }

  /** After a commit: what is left over, which is for the next transaction. */
  async left(): Promise<ReadonlyMap<string, readonly number[]>> {
    const answers = await Promise.all(this.#answers);
    const reserved = await Promise.all([...this.#reserved].map(async ([table, own]) => [table, await own] as const));
    const left = new Map<string, number[]>();
    for (const [table, numbers] of [...reserved, ...answers.flatMap((answer) => [...answer.numbers])])
      left.set(table, [...(left.get(table) ?? []), ...numbers]);
    return left;
  }

  async #ask(wanted: readonly (readonly [table: string, count: number])[]): Promise<SetApart> {
    const { projectId, send } = this.#options;
    const tables = wanted.map(([table]) => table).toSorted();
    const counts = tables.map((table) => wanted.find(([name]) => name === table)?.[1] ?? 0);
    const { rows } = await send({
      name: `reserve_${tables.join("_")}`,
      text: textFor(tables),
      values: [projectId, ...counts],
    });
    const [row] = rows as Row[];
    const numbers = tables.map(
      (table) =>
        [
          table,
          String(row?.[table] ?? "")
            .split(" ")
            .map(Number),
        ] as const,
    );
    return { newest: Number(row?.newest), numbers: new Map(numbers) };
  }
}

function textFor(tables: readonly string[]): string {
  const each = tables.map(
    (table, at) =>
      `array_to_string(array(select nextval('${table}_seq') from generate_series(1, $${at + 2})), ' ') as ${table}`,
  );
  return `select (select coalesce(max(seq), 0) from changes where project_id = $1) as newest, ${each.join(", ")}`;
}
