/** What a transaction did that lets tasks be claimed. */

import type { Row, SqlValue } from "./command.ts";

type Values = Readonly<Record<string, SqlValue>>;

export interface NotedChange {
  /** The table. */
  readonly entity: string;
  /** As it was before an update, as it is after an insert. */
  readonly row: Row;
  readonly before: Values | null;
  readonly after: Values | null;
}

export class ReadyNotes {
  /** By id. */
  readonly #made = new Map<SqlValue, Row>();
  #areAll = true;
  #isReadying = false;

  /** A task may have become ready, or a session active. */
  get isReadying(): boolean {
    return this.#isReadying;
  }

  /** All tasks that may have become ready, if each was made in this transaction and is as it was made; else `null`. */
  get made(): readonly Row[] | null {
    return this.#areAll ? [...this.#made.values()] : null;
  }

  note(change: NotedChange): void {
    const { entity, row, before } = change;
    const readies = mayMakeReady(change);
    if (readies) this.#isReadying = true;
    if (readies && entity === "tasks" && before === null) this.#made.set(row.id ?? null, row);
    else if (readies || this.#mayChangeMade(change)) this.#areAll = false;
  }

  /** Something was done that notes nothing. */
  noteUnknown(): void {
    this.#areAll = false;
  }

  /** A session that is paused takes its tasks along. */
  #mayChangeMade({ entity, row, after }: NotedChange): boolean {
    return entity === "tasks" ? this.#made.has(row.id ?? null) : entity === "sessions" && after?.status !== undefined;
  }
}

/** A task that is pending or stays as it is may be claimed after this, and so may those of a session that becomes active. */
function mayMakeReady({ entity, after }: NotedChange): boolean {
  if (entity === "sessions") return after?.status === "active";
  return entity === "tasks" && after !== null && (after.status ?? "pending") === "pending";
}
