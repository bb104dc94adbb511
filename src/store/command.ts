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

/**
 * One statement for each of several sets of values, none of which may depend on what another wrote: a driver may run them
 * one by one or as one. It answers with the rows of each set.
 */
export interface StatementSets {
  readonly sql: string;
  readonly sets: readonly (readonly SqlValue[])[];
}

export type Row = Readonly<Record<string, SqlValue>>;

/** Yields statements, is resumed with their rows, returns its result. Throwing undoes all it wrote. */
export type Command<Result> = Generator<Statement | StatementSets, Result, Answer>;

/** Rows for a statement; for sets of them a list of rows each. */
type Answer = readonly Row[] | readonly (readonly Row[])[];

export type SqlDialect = "sqlite" | "postgres";

/** What the driver hands to a command: who, when, and where new ids come from. */
export interface CommandContext {
  readonly projectId: ProjectId;
  /** The same throughout one command. */
  readonly now: Millis;
  /** Recorded with every change: `cli`, `library`, `worker:3f2a91c0`. */
  readonly actor: string;
  /** For the few statements that have no common form. */
  readonly dialect: SqlDialect;
  uuid(): string;
  /** The place of the next change among those of this command, from 0. */
  nextPart(): number;
}

/** A command by name. Its input is plain data, so a driver may run it again, in a batch, or in another thread. */
export interface CommandDefinition<Input, Result> {
  readonly name: string;
  readonly access: "read" | "write";
  perform(context: CommandContext, input: Input): Command<Result>;
  /**
   * Does what calls one after another would do, at once, in fewer statements; results in the order of the inputs. When it
   * throws, the calls are made one by one. Absent where that would save nothing.
   */
  performTogether?(context: CommandContext, inputs: readonly Input[]): Command<readonly Result[]>;
}

export function defineWrite<Input, Result>(
  name: string,
  perform: (context: CommandContext, input: Input) => Command<Result>,
  performTogether?: (context: CommandContext, inputs: readonly Input[]) => Command<readonly Result[]>,
): CommandDefinition<Input, Result> {
  return { name, access: "write", perform, ...(performTogether === undefined ? {} : { performTogether }) };
}

export function defineRead<Input, Result>(
  name: string,
  perform: (context: CommandContext, input: Input) => Command<Result>,
): CommandDefinition<Input, Result> {
  return { name, access: "read", perform };
}

export function* rows(sql: string, ...params: readonly SqlValue[]): Command<readonly Row[]> {
  return (yield { sql, params }) as readonly Row[];
}

/** The first row, or `null`. */
export function* oneRow(sql: string, ...params: readonly SqlValue[]): Command<Row | null> {
  const found = (yield { sql, params }) as readonly Row[];
  return found[0] ?? null;
}

/** A condition with a placeholder for each value; of no values none fits. */
export function oneOf(column: string, values: readonly unknown[]): string {
  return values.length === 0 ? "1 = 0" : `${column} in (${values.map(() => "?").join(", ")})`;
}

/**
 * Runs commands in lockstep, so that equal statements of theirs become one statement with sets. Only for commands of which
 * none reads or writes what another writes. When one throws, so does this.
 */
export function* together<Result>(commands: readonly Command<Result>[]): Command<readonly Result[]> {
  const [only] = commands;
  if (commands.length === 1 && only !== undefined) return [yield* only];
  const results: Result[] = [];
  let waiting: Waiting[] = [];
  const advance = (index: number, answer: Answer): void => {
    const step = commands[index]?.next(answer);
    if (step === undefined) return;
    if (step.done === true) results[index] = step.value;
    else waiting.push({ index, statement: step.value });
  };
  for (const index of commands.keys()) advance(index, []);
  while (waiting.length > 0) {
    const round = waiting;
    waiting = [];
    for (const [sql, group] of Map.groupBy(round, ({ statement }) => statement.sql)) {
      const answers = (yield { sql, sets: group.flatMap(({ statement }) => setsOf(statement)) }) as Answer[];
      let from = 0;
      for (const { index, statement } of group) {
        const count = setsOf(statement).length;
        advance(index, "sets" in statement ? (answers.slice(from, from + count) as Answer) : (answers[from] ?? []));
        from += count;
      }
    }
  }
  return results;
}

interface Waiting {
  readonly index: number;
  readonly statement: Statement | StatementSets;
}

function setsOf(statement: Statement | StatementSets): readonly (readonly SqlValue[])[] {
  return "sets" in statement ? statement.sets : [statement.params];
}
