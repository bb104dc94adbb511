/** One log of two copies. A line of the journal is proven by its checksum, so it goes before a row of the database. */

import type { RawChange } from "../store/rebuild.ts";
import { isSameChange } from "../store/rebuild.ts";
import { tableOf } from "../store/tables.ts";
import { blobHashOf } from "../store/values.ts";
import type { MirrorCopy } from "./mirror-copy.ts";
import { parseColumns } from "./row-chain.ts";
import type { Salvage } from "./salvage.ts";

export interface MergedLog {
  readonly changes: ReadonlyMap<number, RawChange>;
  readonly isProven: (seq: number) => boolean;
  /** Seqs at which the database says otherwise than a proven line, or something that no change can be. */
  readonly contradicted: readonly number[];
  /** Where the two begin to tell different stories, rather than one damaged one; `null` when they do not. */
  readonly divergesAt: number | null;
  /** Seqs that the database alone has, below the newest line of the journal. */
  readonly missingInMirror: readonly number[];
  /** Seqs that the journal alone has, above the oldest of the database. */
  readonly missingInDatabase: readonly number[];
  /** The last changes, of a command whose end neither copy has. */
  readonly tornCommand: readonly RawChange[];
  /** Removed from the database's log on purpose, up to here. */
  readonly prunedTo: number;
}

/** A gap this wide is no gap, but a damaged number. */
const WIDEST_GAP = 1_000_000;

export function mergeLogs(salvage: Salvage | null, mirror: MirrorCopy): MergedLog {
  const changes = new Map<number, RawChange>();
  const stored = salvage?.changes ?? new Map<number, RawChange>();
  const contradicted: number[] = [];
  const missingInMirror: number[] = [];
  const [oldestStored, newestStored] = ends(stored.keys());
  const [, newestLine] = ends(mirror.changes.keys());
  const seqs = [...new Set([...stored.keys(), ...mirror.changes.keys()])].toSorted((one, other) => one - other);
  let previous = 0;
  for (const seq of seqs) {
    const line = mirror.changes.get(seq);
    const row = stored.get(seq);
    if (line !== undefined) {
      if (row !== undefined && !isSameChange(line, row)) contradicted.push(seq);
      changes.set(seq, line);
    } else if (row !== undefined) {
      if (!isPossible(row) || (previous > 0 && seq - previous > WIDEST_GAP)) {
        contradicted.push(seq);
        continue;
      }
      if (seq < newestLine) missingInMirror.push(seq);
      changes.set(seq, row);
    }
    previous = seq;
  }
  const missingInDatabase = seqs.filter((seq) => !stored.has(seq) && seq > oldestStored && seq <= newestStored);
  const newestIsStored = salvage?.isLogWhole === true ? newestStored : 0;
  const tornCommand = takeTornCommand(changes, mirror, newestIsStored);
  const isPruned = salvage?.isLogWhole === true && stored.size > 0 && contradicted.length === 0;
  return {
    changes,
    isProven: (seq) => mirror.changes.has(seq),
    contradicted,
    divergesAt: divergence(stored, mirror),
    missingInMirror,
    missingInDatabase,
    tornCommand,
    prunedTo: isPruned ? oldestStored - 1 : 0,
  };
}

function ends(seqs: Iterable<number>): readonly [number, number] {
  let [least, greatest] = [Number.POSITIVE_INFINITY, 0];
  for (const seq of seqs) {
    if (seq < least) least = seq;
    if (seq > greatest) greatest = seq;
  }
  return [greatest === 0 ? 0 : least, greatest];
}

/** Damage hits a few entries; where nearly all from one on are of other rows or times, both went on by themselves. */
const FEWEST_DIVERGING = 4;

function divergence(stored: ReadonlyMap<number, RawChange>, { changes }: MirrorCopy): number | null {
  let first: number | null = null;
  let [common, different] = [0, 0];
  for (const [seq, line] of changes) {
    const row = stored.get(seq);
    if (row === undefined || row === line) {
      if (row !== undefined && first !== null) common += 1;
      continue;
    }
    if (row.rowKey === line.rowKey && row.at === line.at) continue;
    first ??= seq;
    common += 1;
    different += 1;
  }
  return different >= FEWEST_DIVERGING && different * 2 > common ? first : null;
}

/** What a row of the log without a checksum must be to be believed. */
function isPossible(change: RawChange): boolean {
  const table = tableOf(change.entity);
  if (table === undefined) return false;
  const before = parseColumns(table, change.before);
  const after = parseColumns(table, change.after);
  if (before === undefined || after === undefined || (before === null && after === null)) return false;
  const columns = before === null ? after : after === null ? before : null;
  if (columns !== null && !namesItself(table.key, columns, change.rowKey)) return false;
  return table.json.every((column) => isPossibleJson(before?.[column]) && isPossibleJson(after?.[column]));
}

/** A whole row repeats its key. */
function namesItself(
  key: readonly string[],
  columns: Readonly<Record<string, string | number | null>>,
  rowKey: string,
): boolean {
  const values = key.map((column) => columns[column]);
  // A deletion that is not meant to be undone logs less.
  if (values.some((value) => value === undefined)) return true;
  return rowKey === (values.length === 1 ? String(values[0]) : JSON.stringify(values));
}

function isPossibleJson(value: string | number | null | undefined): boolean {
  if (typeof value !== "string") return true;
  if (value.startsWith("@")) return blobHashOf(value) !== null;
  try {
    JSON.parse(value);
    return true;
  } catch {
    // Damaged.
    return false;
  }
}

/** Removes the changes after the last one that is known to end its command: half a command is no state. */
function takeTornCommand(
  changes: Map<number, RawChange>,
  mirror: MirrorCopy,
  newestIsStored: number,
): readonly RawChange[] {
  const torn: RawChange[] = [];
  const seqs = [...changes.keys()].toSorted((one, other) => other - one);
  for (const seq of seqs) {
    if (seq <= newestIsStored || mirror.ends.has(seq)) break;
    const change = changes.get(seq);
    if (change === undefined) break;
    torn.unshift(change);
    // The next older one ends its command when this one begins one, if nothing is lost between them.
    if (change.part === 0 && changes.has(seq - 1)) break;
  }
  for (const { seq } of torn) changes.delete(seq);
  return torn;
}
