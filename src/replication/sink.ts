/**
 * A copy of a change log that is kept elsewhere, as the lines of the journal. Every kind of sink keeps the same three
 * promises: changes are in it in the order of their `seq`, each once, and whole commands appear together; whoever appends
 * says where the sink ends, and changes nothing when it ends elsewhere; what lines refer to was put before them.
 */

import type { Millis } from "../base/clock.ts";
import type { JournalHeader, JournalLine } from "../store/journal-line.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { StateDigest } from "./state-digest.ts";

/** A change as it goes to a sink. */
export interface LogLine {
  readonly change: RawChange;
  readonly at: Millis;
  /** Of the journal, without a line break. */
  readonly text: string;
}

export interface LogBatch {
  /** Whose changes they are. */
  readonly header: JournalHeader;
  /** The `seq` of the change they follow: where the sink has to end. 0 for the first ones. */
  readonly after: number;
  /** Whole commands, in order. At least one line. */
  readonly lines: readonly LogLine[];
}

/** `moved`: it ends elsewhere by now, since another process appends too or it lost something. Nothing was changed. */
export type AppendOutcome = "appended" | "moved";

/** Where a sink ends. Both are `null` for one that is empty. */
export interface SinkEnd {
  readonly header: JournalHeader | null;
  readonly last: RawChange | null;
}

export interface LogEntry {
  readonly line: JournalLine;
  /** Where it stands, for people: `line 4 of 2026-11.jsonl`. */
  readonly place: string;
  /** `false` for a last line that was cut off while it was written, which is no damage. */
  readonly isTerminated: boolean;
}

/** What a log and all it refers to can be read from. */
export interface LogSource {
  /** What and where it is, for people, without secrets. */
  readonly place: string;
  /** What the tables come to after the last change, where that is known. */
  readonly state?: StateDigest | null;
  /**
   * Changes with a greater `seq` than `after`, in order, with at least one header before the first. What is damaged or
   * missing in between is told by a damaged line in its place. The last command may lack its end.
   */
  read(options: { readonly after: number }): AsyncIterable<LogEntry>;
  /** What is named by that hash, a value of the log or an artifact; `null` when it is not there. Not checked. */
  openContent(hash: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** Safe to repeat. */
  close(): Promise<void>;
}

export interface Sink extends LogSource {
  end(): Promise<SinkEnd>;
  /** All of the batch or nothing, also when this process or the sink dies meanwhile. Durable as far as the sink is. */
  append(batch: LogBatch): Promise<AppendOutcome>;
  hasContent(hash: string): Promise<boolean>;
  /** Once per hash. Safe to repeat, also by several at once. Half of it never counts. */
  putContent(hash: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Closes it without waiting for anything that may not answer. */
  abandon(): void;
}
