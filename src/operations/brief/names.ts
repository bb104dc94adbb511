/**
 * What a brief calls tasks, such that each name means one task and can be told from the words around it: the key, in
 * quotes where it could be mistaken; the beginning of the id where there is no key or it is long. Neighbours that count up
 * are written as a range: `1.1..1.4` is 1.1, 1.2, 1.3 and 1.4.
 */

import type { BriefName } from "../../store/commands/brief-tasks.ts";
import { quote } from "./quote.ts";

export interface Namer {
  /** As it stands in a list. */
  name(task: BriefName): string;
  /** As a word of a command line. */
  word(task: BriefName): string;
}

const LONGEST_KEY = 60;
const ID_LENGTHS = [8, 13, 18, 23, 36];
const PLAIN = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.:@/+-]*$/u;

/** `tasks` are all that the brief may name. */
export function createNamer(tasks: Iterable<BriefName>): Namer {
  let shorten: ((id: string) => string) | null = null;
  const shortId = (id: string): string => (shorten ??= idShortener(tasks))(id);
  const isPlain = (key: string): boolean => key.length <= LONGEST_KEY && PLAIN.test(key) && !key.includes("..");
  return {
    name({ id, key }) {
      if (key === null || key.length > LONGEST_KEY) return shortId(id);
      return isPlain(key) ? key : quote(key, LONGEST_KEY);
    },
    word: ({ id, key }) => (key !== null && isPlain(key) ? key : shortId(id)),
  };
}

/** To the shortest beginning that no other id has and that is no key. */
function idShortener(tasks: Iterable<BriefName>): (id: string) => string {
  const keys = new Set<string>();
  const ids = new Set<string>();
  for (const { id, key } of tasks) {
    ids.add(id);
    if (key !== null) keys.add(key);
  }
  // By length; the longer ones are hardly ever needed.
  const beginnings = new Map<number, ReadonlyMap<string, number>>();
  const isFree = (beginning: string): boolean => {
    const counts = beginnings.get(beginning.length) ?? countBeginnings(ids, beginning.length);
    beginnings.set(beginning.length, counts);
    return counts.get(beginning) === 1 && !keys.has(beginning);
  };
  return (id) => id.slice(0, ID_LENGTHS.find((length) => isFree(id.slice(0, length))) ?? id.length);
}

function countBeginnings(ids: ReadonlySet<string>, length: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id.slice(0, length), (counts.get(id.slice(0, length)) ?? 0) + 1);
  return counts;
}

/** A name in a list, and what is said of it there. */
interface ListedName {
  readonly name: string;
  readonly more: string;
}

export interface NameRange {
  readonly text: string;
  /** How many names it stands for. */
  readonly count: number;
}

const SHORTEST_RANGE = 3;

/** Neighbours of which the same is said and whose names count up become one. */
export function toRanges(listed: readonly ListedName[]): readonly NameRange[] {
  const ranges: NameRange[] = [];
  for (let index = 0; index < listed.length;) {
    const run = runLength(listed, index);
    const { name, more } = listed[index] ?? { name: "", more: "" };
    const isRange = run >= SHORTEST_RANGE;
    ranges.push({
      text: (isRange ? `${name}..${listed[index + run - 1]?.name ?? ""}` : name) + more,
      count: isRange ? run : 1,
    });
    index += isRange ? run : 1;
  }
  return ranges;
}

function runLength(listed: readonly ListedName[], from: number): number {
  const more = listed[from]?.more;
  let count = 1;
  for (let at = from + 1; at < listed.length; at += 1, count += 1) {
    if (listed[at]?.more !== more || successor(listed[at - 1]?.name) !== listed[at]?.name) break;
  }
  return count;
}

/** The name that counts one further; `null` for one that does not end in a number. */
function successor(name: string | undefined): string | null {
  const [, before, digits] = /^(.*?)(\d{1,9})$/.exec(name ?? "") ?? [];
  if (before === undefined || digits === undefined || before.endsWith('"')) return null;
  const next = String(Number(digits) + 1);
  return before + (digits.startsWith("0") ? next.padStart(digits.length, "0") : next);
}
