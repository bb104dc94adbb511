/**
 * Commands without I/O: all storage semantics are generator functions that yield statements and receive rows.
 * A driver runs them; they never touch a database, so they are written once.
 */

import type { Millis } from "../base/clock.ts";
import type { ProjectId } from "../domain/ids.ts";

export type SqlValue = string | number | null;

export interface Statement {
  /** Lower-case SQL with `?` for each value, in the dialect both SQLite and Postgres read. */
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

export type Row = Readonly<Record<string, SqlValue>>;

/** Yields statements, is resumed with their rows, returns its result. Throwing undoes all it wrote. */
export type Command<Result> = Generator<Statement, Result, readonly Row[]>;

/** What the driver hands to a command: who, when, and where new ids come from. */
export interface CommandContext {
  readonly projectId: ProjectId;
  /** The same throughout one command. */
  readonly now: Millis;
  /** Recorded with every change: `cli`, `library`, `worker:3f2a91c0`. */
  readonly actor: string;
  uuid(): string;
  /** The place of the next change among those of this command, from 0. */
  nextPart(): number;
}

/** A command by name. Its input is plain data, so a driver may run it again, in a batch, or in another thread. */
export interface CommandDefinition<Input, Result> {
  readonly name: string;
  readonly access: "read" | "write";
  perform(context: CommandContext, input: Input): Command<Result>;
}

export function defineWrite<Input, Result>(
  name: string,
  perform: (context: CommandContext, input: Input) => Command<Result>,
): CommandDefinition<Input, Result> {
  return { name, access: "write", perform };
}

export function defineRead<Input, Result>(
  name: string,
  perform: (context: CommandContext, input: Input) => Command<Result>,
): CommandDefinition<Input, Result> {
  return { name, access: "read", perform };
}

export function* rows(sql: string, ...params: readonly SqlValue[]): Command<readonly Row[]> {
  return yield { sql, params };
}

/** The first row, or `null`. */
export function* oneRow(sql: string, ...params: readonly SqlValue[]): Command<Row | null> {
  const found = yield { sql, params };
  return found[0] ?? null;
}
