/**
 * Commands without I/O: all storage semantics are generator functions that yield statements and receive rows.
 * A driver runs them; they never touch a database, so they are written once.
 */

import type { Millis } from "../base/clock.ts";
import type { ProjectId } from "../domain/ids.ts";
import type { NotedChange } from "./ready-notes.ts";

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

/** What a command yields. Of a list none may depend on another either: a driver may send them off together. */
export type Asked = Statement | StatementSets | readonly StatementSets[];

/** Yields statements, is resumed with their rows, returns its result. Throwing undoes all it wrote. */
export type Command<Result> = Generator<Asked, Result, Answer>;

type RowsOfSets = readonly (readonly Row[])[];
/** Rows for a statement; for sets of values the rows of each; for a list of those an answer each. */
export type Answer = readonly Row[] | RowsOfSets | readonly RowsOfSets[];

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
  /** Told of every change of a row. Absent where nobody wants to know. */
  noteChange?(change: NotedChange): void;
  /**
   * To a claim that is carried out with others: the tasks they made ready, if none of those was there before; else `null`.
   * Absent where a look costs no round trip.
   */
  newlyReady?(): readonly Row[] | null;
  /** Absent where a read costs no round trip. */
  readonly presumptions?: Presumptions;
}

/**
 * What a driver remembers of earlier transactions, so that a command need not read it. It sees to it that what a command goes
 * by holds when all of it is written, or else undoes that and runs the command again without.
 */
export interface Presumptions {
  presume(holds: Statement): void;
  /** A row of an earlier transaction, which then is presumed to be as far as `holds` says; `undefined` when there is none. */
  recall(key: string, holds: Statement): Row | undefined;
  remember(key: string, row: Row): void;
  forget(key: string): void;
  /** A task on which nothing depends, and its execution, as they were claimed; if nobody has written but this driver since. */
  recallRunning(executionId: string): Running | undefined;
  rememberRunning(running: Running): void;
}

/** A task at work, as rows. */
export interface Running {
  readonly execution: Row;
  readonly task: Row;
}

/** A command by name. Its input is plain data, so a driver may run it again, in a batch, or in another thread. */
export interface CommandDefinition<Input, Result> {
  readonly name: string;
  readonly access: "read" | "write";
  /** May take effect after calls that are made behind it while it waits, and gains by seeing what they did. */
  readonly isPatient?: boolean;
  /** How long a driver may let it wait for a moment without other calls, in milliseconds: several times over where there is none. What is read meanwhile does not see it. Default 0. */
  readonly lingerMs?: number;
  /** It tells by `noteChange` when it makes a task ready; of a write without this that is taken for granted. */
  readonly notesReady?: boolean;
  /** How many rows it may insert into tables that number theirs, so that a driver can have the numbers ready. */
  inserts?(input: Input): Readonly<Record<string, number>>;
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

/** The same command, willing to wait. */
export function patiently<Input, Result>(
  command: CommandDefinition<Input, Result>,
  { lingerMs = 0 }: { readonly lingerMs?: number } = {},
): CommandDefinition<Input, Result> {
  return { ...command, isPatient: true, lingerMs };
}

/** The same command, all of whose writes to tasks and sessions go through `rows.ts`, which notes what becomes ready by them. */
export function notingReady<Input, Result>(
  command: CommandDefinition<Input, Result>,
): CommandDefinition<Input, Result> {
  return { ...command, notesReady: true };
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
 * Runs commands in lockstep, so that equal statements of theirs become one statement with sets, and different ones a list. Only
 * for commands of which none reads or writes what another writes. When one throws, so does this.
 */
export function* together<Result>(commands: readonly Command<Result>[]): Command<readonly Result[]> {
  const [only] = commands;
  if (commands.length === 1 && only !== undefined) return [yield* only];
  const results: Result[] = [];
  let waiting: { readonly index: number; readonly asked: Asked }[] = [];
  const advance = (index: number, answer: Answer): void => {
    const step = commands[index]?.next(answer);
    if (step === undefined) return;
    if (step.done === true) results[index] = step.value;
    else waiting.push({ index, asked: step.value });
  };
  for (const index of commands.keys()) advance(index, []);
  while (waiting.length > 0) {
    const round = waiting;
    waiting = [];
    const statements = new Map<string, (readonly SqlValue[])[]>();
    const places = round.map(({ asked }) => partsOf(asked).map((part) => addTo(statements, part)));
    const list: readonly StatementSets[] = [...statements].map(([sql, sets]) => ({ sql, sets }));
    const [first] = list;
    const answers = (list.length === 1 && first !== undefined ? [yield first] : yield list) as readonly RowsOfSets[];
    const answerOf = new Map([...statements.keys()].map((sql, at) => [sql, answers[at] ?? []]));
    for (const [at, { index, asked }] of round.entries()) {
      const found = (places[at] ?? []).map(({ sql, from, count }) =>
        (answerOf.get(sql) ?? []).slice(from, from + count),
      );
      if (isList(asked)) advance(index, found);
      else advance(index, "sets" in asked ? (found[0] ?? []) : (found[0]?.[0] ?? []));
    }
  }
  return results;
}

/** Two of different kinds. */
export function* both<One, Other>(one: Command<One>, other: Command<Other>): Command<readonly [One, Other]> {
  const [first, second] = yield* together<One | Other>([one, other]);
  return [first as One, second as Other];
}

function partsOf(asked: Asked): readonly StatementSets[] {
  if (isList(asked)) return asked;
  return ["sets" in asked ? asked : { sql: asked.sql, sets: [asked.params] }];
}

/** `Array.isArray` does not know of read-only arrays. */
export function isList(asked: Asked): asked is readonly StatementSets[] {
  return Array.isArray(asked);
}

function addTo(
  statements: Map<string, (readonly SqlValue[])[]>,
  { sql, sets }: StatementSets,
): { readonly sql: string; readonly from: number; readonly count: number } {
  const all = statements.get(sql) ?? [];
  const from = all.length;
  all.push(...sets);
  statements.set(sql, all);
  return { sql, from, count: sets.length };
}
