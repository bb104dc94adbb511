/** The changes of one row in order, followed from its beginning: what fits, where one is missing, and what cannot be saved. */

import { isJsonObject } from "../base/json.ts";
import type { Row, SqlValue } from "../store/command.ts";
import type { RawChange } from "../store/rebuild.ts";
import { withImplied } from "../store/implied-columns.ts";
import type { Table } from "../store/tables.ts";
import { damagedOne } from "./contradiction.ts";

export interface Chain {
  readonly table: Table;
  readonly rowKey: string;
  /** Ascending. */
  readonly changes: readonly RawChange[];
}

export type Values = Readonly<Record<string, SqlValue>>;

/** A change that is missing: between which of the row's changes, and what it must have done. */
export interface ChainGap {
  readonly after: number;
  /** `null` when none follows. */
  readonly before: number | null;
  readonly was: Values | null;
  readonly becomes: Values | null;
}

interface FollowOptions {
  /** As the database has it; `null` when it does not, or is not to be asked. */
  readonly row: Row | null;
  /** The database, which has all rows of the table, does not have this one. */
  readonly isRowGone: boolean;
  /** The newest change the row can have been made by. */
  readonly rowSeq: number;
  /** Whether a lost change can have been there. */
  readonly isLostBetween: (after: number, before: number) => boolean;
  /** Columns a row of the table cannot be without. */
  readonly required: readonly string[];
  /** Whether a checksum says that the change is as it was written. */
  readonly isProven: (seq: number) => boolean;
  /** The log may have gone on, nobody can tell how far: a row that is newer than its last change says so itself. */
  readonly isNewer: (row: Values, state: Values | null) => boolean;
}

interface Followed {
  readonly changes: readonly RawChange[];
  readonly gaps: readonly ChainGap[];
  readonly dropped: readonly RawChange[];
  /** Seqs of changes that something contradicts which is as good as they are. */
  readonly doubtful: readonly number[];
  /** Why the row cannot be had back; `null` when it can. */
  readonly lost: string | null;
}

/** Kept by triggers as well as logged, so that it may differ from what the log says. */
const DERIVED = new Set(["held"]);

export function followChain(chain: Chain, options: FollowOptions): Followed {
  const { table, changes } = chain;
  const kept: RawChange[] = [];
  const dropped: RawChange[] = [];
  const gaps: ChainGap[] = [];
  const doubtful: number[] = [];
  let state: Values | null = null;
  let stateBefore: Values | null = null;
  let last = 0;
  let isRowTaken = options.row === null && !options.isRowGone;

  /** Where the row itself stands in the chain, it says what it was made into by a change that is lost. */
  const takeRow = (before: number | null): void => {
    if (isRowTaken) return;
    isRowTaken = true;
    const target = options.row === null ? null : columnsOf(table, options.row);
    const isBehind = options.isLostBetween(last, Math.min(before ?? Infinity, options.rowSeq + 1));
    // What was deleted in the end stays so.
    const isAhead = before === null && state !== null && target !== null && options.isNewer(target, state);
    if (!isBehind && !isAhead) return;
    const gap = gapBetween(state, target, { after: last, before });
    if (gap === null) return;
    gaps.push(gap);
    state = target;
  };

  for (const [index, change] of changes.entries()) {
    if (change.seq > options.rowSeq) takeRow(change.seq);
    const before = parseColumns(table, change.before);
    const after = newRowColumns(table, change) ?? parseColumns(table, change.after);
    if (before === undefined || after === undefined || (before === null && after === null)) {
      dropped.push(change);
      continue;
    }
    if (!fits(state, before)) {
      const needed = stateNeeded(state, before, { table, row: options.row, later: changes.slice(index) });
      const isEnough = needed === null || options.required.every((column) => (needed?.[column] ?? null) !== null);
      if (needed === undefined || !isEnough) {
        // A row that was deleted in the end is no loss; only its history is.
        const isDeleted = changes.at(-1)?.after === null;
        const rest = [...dropped, ...changes.slice(index)];
        return { changes: kept, gaps, dropped: rest, doubtful, lost: isDeleted && state === null ? DELETED : NO_COPY };
      }
      const previous = kept.at(-1);
      const verdict =
        state === null || before === null
          ? "unknown"
          : damagedOne({ table, first: state, second: before, change: previous });
      const isLost = options.isLostBetween(last, change.seq);
      // One of the two is not as it was written, unless something lost lies between them.
      const isItself = verdict === "second" || (!isLost && options.isProven(last));
      if (state !== null && before !== null && isItself && !options.isProven(change.seq)) {
        kept.push({ ...change, before: JSON.stringify(pickFrom(state, before)), note: DAMAGED_BEFORE });
        stateBefore = state;
        state = after === null ? null : Object.assign({}, state, after);
        last = change.seq;
        continue;
      }
      if (isLost) {
        const gap = gapBetween(state, needed, { after: last, before: change.seq });
        if (gap !== null) gaps.push(gap);
      } else {
        // The one before is put right by the one after, which repeats what it wrote.
        const amended = previous && !options.isProven(last) ? amend(previous, stateBefore, needed) : null;
        if (amended === null) {
          dropped.push(change);
          continue;
        }
        kept[kept.length - 1] = amended;
        if (verdict === "unknown" && !options.isProven(change.seq)) doubtful.push(last, change.seq);
      }
      state = needed;
    }
    kept.push(change);
    stateBefore = state;
    state = before === null ? after : after === null ? null : { ...state, ...after };
    last = change.seq;
  }
  if (!isRowTaken && options.row !== null && state !== null && !options.isLostBetween(last, options.rowSeq + 1)) {
    doubtful.push(...contradictedBy(columnsOf(table, options.row), { table, state, kept, options }));
  }
  takeRow(null);
  return { changes: kept, gaps, dropped, doubtful, lost: null };
}

interface Followable {
  readonly table: Table;
  readonly state: Values;
  readonly kept: readonly RawChange[];
  readonly options: FollowOptions;
}

/** The changes without proof that wrote what the row, as it is, says otherwise. The row goes by the log. */
function contradictedBy(row: Values, { table, state, kept, options }: Followable): readonly number[] {
  if (options.rowSeq < (kept.at(-1)?.seq ?? 0) || options.isNewer(row, state)) return [];
  const seqs = new Set<number>();
  for (const column of table.columns) {
    if (DERIVED.has(column) || (state[column] ?? null) === (row[column] ?? null)) continue;
    const writer = kept.findLast((change) => {
      const written = newRowColumns(table, change) ?? parseColumns(table, change.after);
      return change.before === null || Object.hasOwn(written ?? {}, column);
    });
    if (writer === undefined || options.isProven(writer.seq)) continue;
    const verdict = damagedOne({
      table,
      first: { [column]: state[column] ?? null },
      second: { [column]: row[column] ?? null },
      change: writer,
    });
    if (verdict !== "second") seqs.add(writer.seq);
  }
  return [...seqs];
}

function pickFrom(state: Values, columns: Values): Values {
  return Object.fromEntries(Object.keys(columns).map((column) => [column, state[column] ?? null]));
}

const DAMAGED_BEFORE = "What stood here of how it was before was damaged; it is told by the change before it.";

const NO_COPY = "the change that made it is lost, and so is the row itself";

const DELETED = "it was deleted, and the change that made it is lost";

/** Of a change that makes a row: with what the log leaves out because the change says it anyway. */
function newRowColumns(table: Table, change: RawChange): Values | null {
  if (change.before !== null) return null;
  const logged = parseColumns(table, change.after);
  if (logged === null || logged === undefined) return null;
  const key = keyOf(table, change.rowKey);
  return key === null ? null : withImplied(table, logged, { ...change, key });
}

function keyOf(table: Table, rowKey: string): readonly SqlValue[] | null {
  if (table.key.length === 1) return [rowKey];
  try {
    const parsed: unknown = JSON.parse(rowKey);
    return Array.isArray(parsed) && parsed.length === table.key.length ? (parsed as readonly SqlValue[]) : null;
  } catch {
    // Damaged, and without a checksum that would have told.
    return null;
  }
}

function fits(state: Values | null, before: Values | null): boolean {
  if (before === null) return state === null;
  if (state === null) return false;
  return Object.entries(before).every(([column, value]) => DERIVED.has(column) || (state[column] ?? null) === value);
}

/** The row as it must have been for `before` to be true of it; `undefined` when no copy tells. */
function stateNeeded(
  state: Values | null,
  before: Values | null,
  { table, row, later }: { readonly table: Table; readonly row: Row | null; readonly later: readonly RawChange[] },
): Values | null | undefined {
  if (before === null) return null;
  if (state !== null) return { ...state, ...before };
  // A deletion logs the whole row.
  const base = later[0]?.after === null ? {} : wholeRow(table, row, later);
  return base === undefined ? undefined : { ...base, ...before };
}

/** The row as it was before `later`: from the row as it is, or the deletion that ends it, undone back to there. */
function wholeRow(table: Table, row: Row | null, later: readonly RawChange[]): Values | undefined {
  const deletion = later.find(({ after }) => after === null);
  const end = deletion === undefined ? null : parseColumns(table, deletion.before);
  const base: Values | null | undefined = deletion === undefined ? (row === null ? null : columnsOf(table, row)) : end;
  if (base === null || base === undefined) return undefined;
  const until = deletion === undefined ? later : later.slice(0, later.indexOf(deletion));
  let values = base;
  for (const change of until.toReversed()) values = { ...values, ...parseColumns(table, change.before) };
  return values;
}

/** The change as it must have been to lead to `needed`. */
function amend(change: RawChange, from: Values | null, needed: Values | null): RawChange | null {
  const gap = gapBetween(from, needed, { after: 0, before: null });
  if (gap === null) return null;
  const { was, becomes } = gap;
  return {
    ...change,
    before: was === null ? null : JSON.stringify(was),
    after: becomes === null ? null : JSON.stringify(becomes),
    note: "It was damaged; what it did is told by the change that follows.",
  };
}

function gapBetween(
  state: Values | null,
  target: Values | null,
  place: Pick<ChainGap, "after" | "before">,
): ChainGap | null {
  if (state === null) return target === null ? null : { ...place, was: null, becomes: withoutNulls(target) };
  if (target === null) return { ...place, was: withoutNulls(state), becomes: null };
  const was: Record<string, SqlValue> = {};
  const becomes: Record<string, SqlValue> = {};
  for (const column of new Set([...Object.keys(state), ...Object.keys(target)])) {
    const [from, to] = [state[column] ?? null, target[column] ?? null];
    if (from === to || DERIVED.has(column)) continue;
    was[column] = from;
    becomes[column] = to;
  }
  return Object.keys(was).length === 0 ? null : { ...place, was, becomes };
}

function columnsOf(table: Table, row: Row): Values {
  return Object.fromEntries(table.columns.map((column) => [column, row[column] ?? null]));
}

function withoutNulls(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

/** `null` for none; `undefined` for what no change can hold. */
export function parseColumns(table: Table, logged: string | null): Values | null | undefined {
  if (logged === null) return null;
  try {
    const parsed: unknown = JSON.parse(logged);
    if (!isJsonObject(parsed)) return undefined;
    const values: Record<string, SqlValue> = {};
    for (const [column, value] of Object.entries(parsed)) {
      if (!table.columns.includes(column)) return undefined;
      if (value !== null && typeof value !== "string" && typeof value !== "number") return undefined;
      values[column] = value;
    }
    return values;
  } catch {
    // Damaged, and without a checksum that would have told.
    return undefined;
  }
}
