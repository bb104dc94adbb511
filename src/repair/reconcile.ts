/**
 * Making one log that adds up out of what the copies still hold. Each row's changes are followed in order: where one does
 * not begin where the last one ended, a change between them is lost, and a `repair` change takes its place. What it has
 * to say is found in what the later changes say was there before, and in the row itself, the third copy.
 */

import type { Row, SqlValue } from "../store/command.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { Table } from "../store/tables.ts";
import { LOGGED_TABLES, SESSIONS, tableOf } from "../store/tables.ts";
import { isNewerRow } from "./newer-row.ts";
import type { Chain, ChainGap, Values } from "./row-chain.ts";
import { followChain } from "./row-chain.ts";
import type { SeqRange } from "./seq-ranges.ts";
import { sessionOf, STAND_IN, standIns } from "./stand-in.ts";
import { missingBetween, rangesOf } from "./seq-ranges.ts";

export interface ReconcileInput {
  /** By `seq`, ascending. */
  readonly changes: ReadonlyMap<number, RawChange>;
  /** The rows as the database has them, and whether it has all of them. */
  readonly tables: ReadonlyMap<string, { readonly rows: ReadonlyMap<string, Row>; readonly isWhole: boolean }>;
  /** The newest change the rows can have been made by. */
  readonly tablesSeq: number;
  /** By table: the columns a row cannot be without. */
  readonly required: ReadonlyMap<string, readonly string[]>;
  /** Whether a checksum says that the change is as it was written. */
  readonly isProven: (seq: number) => boolean;
  /** Changes up to this one were removed on purpose, when the log was thinned. */
  readonly prunedTo: number;
  /** Rows, as `entity key`, that no attempt could make. */
  readonly hopeless: ReadonlySet<string>;
  /** Those of them that cannot even begin as they did. */
  readonly abandoned: ReadonlySet<string>;
  /** Recorded with what is made up. */
  readonly at: number;
  /** The end of the log cannot be read: rows may be newer than all of it. */
  readonly isTailLost: boolean;
}

export interface LostRow {
  readonly entity: string;
  readonly rowKey: string;
  readonly why: string;
}

export interface Reconciled {
  readonly changes: readonly RawChange[];
  /** What was lost in the log. */
  readonly lostSeqs: readonly SeqRange[];
  /** Seqs at which a `repair` change stands, and those of changes without proof that were put right by what follows. */
  readonly repaired: readonly number[];
  /** Changes that fit nowhere, or whose row is lost. */
  readonly dropped: readonly RawChange[];
  /** Changes that something contradicts which is as good as they are. */
  readonly doubtful: readonly SeqRange[];
  readonly lostRows: readonly LostRow[];
}

const ACTOR = "repair";

export function reconcile(input: ReconcileInput): Reconciled {
  const newest = lastKey(input.changes);
  const missing = missingBetween([...input.changes.keys()], 1, newest);
  const lostSeqs = missing.flatMap((range) =>
    range.to <= input.prunedTo ? [] : [{ from: Math.max(range.from, input.prunedTo + 1), to: range.to }],
  );
  const chains = chainsOf(input.changes);
  let latest = input.at;
  for (const { at } of input.changes.values()) if (at > latest) latest = at;
  const rowsMatter = missing.length > 0 || input.isTailLost;
  const isNewer = (row: Values, state: Values | null): boolean => input.isTailLost && isNewerRow(row, state, latest);
  const kept: RawChange[] = [];
  let dropped: RawChange[] = [];
  const amended: number[] = [];
  const doubtful: number[] = [];
  let lostRows: LostRow[] = [];
  const gaps: (ChainGap & { readonly table: Table; readonly rowKey: string })[] = [];
  const seen = new Map<string, Set<string>>();
  for (const chain of chains) {
    const stored = input.tables.get(chain.table.name);
    const isHopeless = input.hopeless.has(`${chain.table.name} ${chain.rowKey}`);
    (seen.get(chain.table.name) ?? seen.set(chain.table.name, new Set()).get(chain.table.name))?.add(chain.rowKey);
    if (isHopeless) {
      const beginning = input.abandoned.has(`${chain.table.name} ${chain.rowKey}`) ? [] : soundBeginning(chain);
      kept.push(...beginning);
      dropped.push(...chain.changes.slice(beginning.length));
      const why = "what is left of its later changes does not fit together";
      lostRows.push({ entity: chain.table.name, rowKey: chain.rowKey, why });
      continue;
    }
    const row = stored?.rows.get(chain.rowKey) ?? null;
    const followed = followChain(chain, {
      row,
      isRowGone: rowsMatter && row === null && stored?.isWhole === true,
      rowSeq: input.tablesSeq,
      isLostBetween: (after, before) => hasSeqBetween(missing, after, before),
      isProven: input.isProven,
      isNewer,
      required: input.required.get(chain.table.name) ?? [],
    });
    kept.push(...followed.changes);
    const given = new Map(chain.changes.map((change) => [change.seq, change]));
    amended.push(...followed.changes.filter((change) => given.get(change.seq) !== change).map(({ seq }) => seq));
    dropped.push(...followed.dropped);
    doubtful.push(...followed.doubtful);
    gaps.push(...followed.gaps.map((gap) => ({ ...gap, table: chain.table, rowKey: chain.rowKey })));
    if (followed.lost !== null) lostRows.push({ entity: chain.table.name, rowKey: chain.rowKey, why: followed.lost });
  }
  // Rows of which only the row itself is left.
  if (rowsMatter) {
    for (const table of LOGGED_TABLES) {
      for (const [rowKey, row] of input.tables.get(table.name)?.rows ?? []) {
        if (seen.get(table.name)?.has(rowKey) === true || input.hopeless.has(`${table.name} ${rowKey}`)) continue;
        const becomes = valuesOf(table, row);
        if (missing.length === 0 && !isNewer(becomes, null)) continue;
        gaps.push({ after: 0, before: null, was: null, becomes, table, rowKey });
      }
    }
  }
  // Sessions of which nothing is left but what belongs to them.
  const standIn = standIns(input.changes, input.tables.get(SESSIONS.name)?.rows.values() ?? []);
  const homeless = input.tables.get(SESSIONS.name)?.isWhole === true ? [] : homelessSessions(kept, gaps);
  for (const [rowKey, before] of homeless) {
    if (input.hopeless.has(`${SESSIONS.name} ${rowKey}`)) continue;
    const chain = { table: SESSIONS, rowKey, changes: dropped.filter((change) => isOf(change, SESSIONS, rowKey)) };
    const row = standIn.rowFor(rowKey, chain.changes);
    const followed = followChain(chain, {
      row,
      isRowGone: false,
      rowSeq: Number.POSITIVE_INFINITY,
      isLostBetween: (after, until) => hasSeqBetween(missing, after, until),
      isProven: input.isProven,
      isNewer: () => false,
      required: [],
    });
    const isFollowed = followed.changes.length > 0 && followed.lost === null;
    if (isFollowed) {
      kept.push(...followed.changes);
      dropped = [...dropped.filter((change) => !isOf(change, SESSIONS, rowKey)), ...followed.dropped];
    }
    const made = isFollowed ? followed.gaps : [{ after: 0, before, was: null, becomes: valuesOf(SESSIONS, row) }];
    gaps.push(
      ...made.map((gap) => ({ ...gap, before: gap.was === null ? before : gap.before, table: SESSIONS, rowKey })),
    );
    lostRows = lostRows.filter((lost) => lost.entity !== SESSIONS.name || lost.rowKey !== rowKey);
    lostRows.push({ entity: SESSIONS.name, rowKey, why: STAND_IN });
  }
  const placed = placeRepairs(gaps, missing, { newest, at: input.at });
  const tail = placed.filter(({ seq }) => seq > newest).map(({ seq }) => seq);
  return {
    changes: [...kept, ...placed].toSorted((one, other) => one.seq - other.seq),
    // Of what followed the end of the log no more is known than that there were as many.
    lostSeqs: [...lostSeqs, ...rangesOf(tail)],
    repaired: [...placed.map(({ seq }) => seq), ...amended],
    dropped,
    doubtful: rangesOf([...new Set(doubtful)]),
    lostRows,
  };
}

function isOf(change: RawChange, table: Table, rowKey: string): boolean {
  return change.entity === table.name && change.rowKey === rowKey;
}

/** Sessions that are not there and yet have something, and the first change that needs each. */
function homelessSessions(kept: readonly RawChange[], gaps: readonly PlacedGap[]): ReadonlyMap<string, number | null> {
  const ends = new Map<string, RawChange>();
  const present = new Set(gaps.filter(({ table }) => table === SESSIONS).map(({ rowKey }) => rowKey));
  const first = new Map<string, number>();
  for (const change of kept) {
    ends.set(`${change.entity} ${change.rowKey}`, change);
    if (change.entity === SESSIONS.name) present.add(change.rowKey);
    if (change.sessionId !== null)
      first.set(change.sessionId, Math.min(change.seq, first.get(change.sessionId) ?? Infinity));
  }
  const inUse = [...ends.values()].flatMap(({ after, sessionId }) => (after === null ? [] : [sessionId]));
  for (const { table, was, becomes } of gaps)
    if (becomes !== null) inUse.push(sessionOf(table, { ...was, ...becomes }));
  const homeless = new Map<string, number | null>();
  for (const id of inUse) if (id !== null && !present.has(id)) homeless.set(id, first.get(id) ?? null);
  return homeless;
}

/** The changes of a row up to the first that does not fit. */
function soundBeginning(chain: Chain): readonly RawChange[] {
  const alone = {
    row: null,
    isRowGone: false,
    rowSeq: 0,
    required: [],
    isLostBetween: () => false,
    isProven: () => true,
    isNewer: () => false,
  };
  const { changes } = followChain(chain, alone);
  const end = chain.changes.findIndex((change, index) => changes[index] !== change);
  return end === -1 ? changes : changes.slice(0, end);
}

function lastKey(changes: ReadonlyMap<number, RawChange>): number {
  let last = 0;
  for (const seq of changes.keys()) if (seq > last) last = seq;
  return last;
}

function chainsOf(changes: ReadonlyMap<number, RawChange>): Iterable<Chain> {
  const chains = new Map<string, { table: Table; rowKey: string; changes: RawChange[] }>();
  for (const change of changes.values()) {
    const table = tableOf(change.entity);
    if (table === undefined) continue;
    const id = `${table.name} ${change.rowKey}`;
    const chain = chains.get(id) ?? { table, rowKey: change.rowKey, changes: [] };
    chain.changes.push(change);
    chains.set(id, chain);
  }
  return chains.values();
}

function hasSeqBetween(missing: readonly SeqRange[], after: number, before: number): boolean {
  return missing.some(({ from, to }) => to > after && from < before);
}

function valuesOf(table: Table, row: Row): Record<string, SqlValue> {
  return Object.fromEntries(
    table.columns.flatMap((column) => {
      const value = row[column] ?? null;
      return value === null ? [] : [[column, value] as const];
    }),
  );
}

type PlacedGap = ChainGap & { readonly table: Table; readonly rowKey: string };

/**
 * Gives each gap a lost seq that lies where it is: the gap that ends first takes the first one free. What finds none is put
 * at the end when nothing of its row follows; a gap before a change always has one, or the change would have been dropped.
 */
function placeRepairs(
  gaps: readonly PlacedGap[],
  missing: readonly SeqRange[],
  { newest, at }: { readonly newest: number; readonly at: number },
): readonly RawChange[] {
  const taken = new Set<number>();
  const placed: RawChange[] = [];
  let next = newest;
  const firstFree = (after: number, before: number): number | null => {
    for (const { from, to } of missing) {
      for (let seq = Math.max(from, after + 1); seq <= to && seq < before; seq++) if (!taken.has(seq)) return seq;
    }
    return null;
  };
  const inOrder = gaps.toSorted((one, other) => (one.before ?? Infinity) - (other.before ?? Infinity));
  const place = (gap: PlacedGap): void => {
    let seq = firstFree(gap.after, gap.before ?? Infinity);
    if (seq === null) {
      next += 1;
      seq = next;
    }
    taken.add(seq);
    placed.push(repairChange(gap, { seq, at }));
  };
  // Rows are made in an order in which none refers to a row that is not there yet.
  for (const gap of inOrder) place(gap);
  return placed;
}

function repairChange(gap: PlacedGap, { seq, at }: { readonly seq: number; readonly at: number }): RawChange {
  const { table, was, becomes } = gap;
  const columns = { ...was, ...becomes };
  const sessionId = table.name === "sessions" ? gap.rowKey : columns.session_id;
  const taskId = table.name === "tasks" ? gap.rowKey : columns.task_id;
  return {
    seq,
    sessionId: typeof sessionId === "string" ? sessionId : null,
    taskId: typeof taskId === "string" ? taskId : null,
    at,
    actor: ACTOR,
    verb: "repair",
    entity: table.name,
    rowKey: gap.rowKey,
    before: was === null ? null : JSON.stringify(was),
    after: becomes === null ? null : JSON.stringify(becomes),
    note: "The change that stood here was lost; this one says what it must have done.",
    part: 0,
  };
}
