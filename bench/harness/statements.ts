/**
 * What a product asks of its PostgreSQL server, seen at its client: how many round trips, and when a statement's answer
 * came. That is how completions are noticed of products that have no event for them, without changing what they do.
 */

import type pg from "pg";

/** A statement whose answer arrived: it is done, and committed unless a transaction is open. */
export interface Answered {
  readonly client: pg.ClientBase;
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface StatementCount {
  readonly statements: number;
  /** How often something was sent on a connection that had nothing under way: statements, less those that were pipelined. */
  readonly roundTrips: number;
}

export interface Watch {
  /** What was sent so far. */
  count(): StatementCount;
  /** The settings that decide what a commit survives, read from a connection that the product opened. */
  durability(): Promise<string>;
}

const DURABILITY_SQL = `select 'fsync ' || current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit') as found`;

type Callback = (error: unknown, ...rest: unknown[]) => unknown;

function isCallback(value: unknown): value is Callback {
  return typeof value === "function";
}

type Query = (this: pg.ClientBase, ...args: unknown[]) => unknown;

/** @param library The copy of `pg` that the product uses. To be called before the product opens a connection. */
export function watchStatements(library: typeof pg, onAnswer: (answered: Answered) => void = () => {}): Watch {
  const prototype = library.Client.prototype as unknown as { query: Query };
  const { query } = prototype;
  let statements = 0;
  let roundTrips = 0;
  let last: pg.ClientBase | null = null;
  const underWay = new WeakMap<pg.ClientBase, number>();
  const change = (client: pg.ClientBase, by: number): number => {
    const count = (underWay.get(client) ?? 0) + by;
    underWay.set(client, count);
    last = client;
    return count;
  };
  prototype.query = function watched(...args) {
    statements += 1;
    if (change(this, 1) === 1) roundTrips += 1;
    const answered = { client: this, ...textAndValues(args) };
    const noting =
      (callback: Callback): Callback =>
      (error, ...rest) => {
        change(this, -1);
        if (!error) onAnswer(answered);
        return callback(error, ...rest);
      };
    const callback = args.at(-1);
    if (isCallback(callback)) return query.apply(this, [...args.slice(0, -1), noting(callback)]);
    // A query of `pg` itself, which brings its callback along.
    const own = args[0] as { callback?: unknown };
    if (isCallback(own.callback)) {
      own.callback = noting(own.callback);
      return query.apply(this, args);
    }
    const result = query.apply(this, args);
    if (result instanceof Promise) {
      result.then(
        () => {
          change(this, -1);
          onAnswer(answered);
        },
        () => change(this, -1),
      );
    }
    return result;
  };
  return {
    count: () => ({ statements, roundTrips }),
    async durability() {
      if (last === null) return "unknown";
      // A connection at rest may not keep the process alive.
      const awake = setInterval(() => {}, 1_000);
      while ((underWay.get(last) ?? 0) > 0) await new Promise((resolve) => setImmediate(resolve));
      const { rows } = await last.query<{ found: string }>(DURABILITY_SQL);
      clearInterval(awake);
      return rows[0]?.found ?? "unknown";
    },
  };
}

function textAndValues([first, second]: readonly unknown[]): Pick<Answered, "text" | "values"> {
  if (typeof first === "string") return { text: first, values: Array.isArray(second) ? second : [] };
  const { text = "", values } = first as { readonly text?: string; readonly values?: readonly unknown[] };
  return { text, values: values ?? (Array.isArray(second) ? second : []) };
}
