/** The `seq` of the rows one transaction inserts, set apart before it inserts them, so that it need not be told of each. */

import type { QueryResult } from "pg";

import type { Row } from "../command.ts";
import type { PlainQuery } from "./plain-query.ts";
import type { Recollection } from "./recollection.ts";
import { PresumedWrongly } from "./recollection.ts";

/** Rows that commands are about to insert, by table. */
export type RowCounts = Readonly<Record<string, number>>;

interface NumberingOptions {
  readonly recollection: Recollection;
  readonly projectId: string;
  /** The newest change this store knows of. */
  readonly knownSeq: number | null;
  send(query: PlainQuery): Promise<QueryResult>;
}

interface SetApart {
  readonly newest: number;
  readonly numbers: ReadonlyMap<string, number[]>;
}

export class Numbering {
  readonly #options: NumberingOptions;
  readonly #reserved = new Map<string, Promise<number[]>>();
  readonly #answers: Promise<SetApart>[] = [];

  constructor(options: NumberingOptions) {
    this.#options = options;
  }

  /** Sets apart so many values of `seq`, on the way. Where nobody else has written meanwhile they are there already. */
  reserve(counts: RowCounts): void {
    const wanted = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
    if (Object.keys(wanted).length === 0) return;
    const { recollection, knownSeq } = this.#options;
    const atHand = recollection.takeNumbers(wanted, knownSeq);
    // As many again for the next one, if it looks as if that could use them.
    const times = atHand === null && recollection.isAlone ? 2 : 1;
    const asked = this.#ask(Object.entries(wanted).map(([table, count]) => [table, count * times]));
    const answer = asked.then((setApart) => {
      recollection.isAlone = setApart.newest === knownSeq;
      if (atHand !== null && !recollection.isAlone) throw new PresumedWrongly("the newest change");
      return setApart;
    });
    // Said by whoever settles.
    answer.catch(() => {});
    this.#answers.push(answer);
    for (const [table, count] of Object.entries(wanted)) {
      const own =
        atHand === null
          ? answer.then(({ numbers }) => (numbers.get(table) ?? []).splice(0, count))
          : Promise.resolve(atHand.get(table) ?? []);
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
    if (reserved.length >= count) return reserved.splice(0, count);
    this.#reserved.delete(table);
    return null;
  }

  /** Resolves once all that was presumed is known to be so. */
  async confirm(): Promise<void> {
    await Promise.all(this.#answers);
  }

  /** Whether it has asked what the newest change is before the transaction's own. */
  get knowsNewest(): boolean {
    return this.#answers.length > 0;
  }

  /** After a commit whose newest change is `newest`: what is left over is for the next transaction. */
  async keep(newest: number): Promise<void> {
    const answers = await Promise.all(this.#answers);
    const reserved = await Promise.all([...this.#reserved].map(async ([table, own]) => [table, await own] as const));
    const left = new Map<string, number[]>();
    for (const [table, numbers] of [...reserved, ...answers.flatMap((answer) => [...answer.numbers])])
      left.set(table, [...(left.get(table) ?? []), ...numbers]);
    this.#options.recollection.keepNumbers(left, { before: answers[0]?.newest ?? 0, newest });
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
