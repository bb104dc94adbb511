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
  const keys = new Set<string>();
  const ids = new Set<string>();
  for (const { id, key } of tasks) {
    ids.add(id);
    if (key !== null) keys.add(key);
  }
  const taken = new Map<string, number>();
  for (const id of ids)
    for (const length of ID_LENGTHS) taken.set(id.slice(0, length), (taken.get(id.slice(0, length)) ?? 0) + 1);
  const shortId = (id: string): string => {
    const isFree = (length: number): boolean => taken.get(id.slice(0, length)) === 1 && !keys.has(id.slice(0, length));
    return id.slice(0, ID_LENGTHS.find(isFree) ?? id.length);
  };
  const isPlain = (key: string): boolean => key.length <= LONGEST_KEY && PLAIN.test(key) && !key.includes("..");
  return {
    name({ id, key }) {
      if (key === null || key.length > LONGEST_KEY) return shortId(id);
      return isPlain(key) ? key : quote(key, LONGEST_KEY);
    },
    word: ({ id, key }) => (key !== null && isPlain(key) ? key : shortId(id)),
  };
}

export interface NameRange {
  readonly text: string;
  /** How many names it stands for. */
  readonly count: number;
}

const SHORTEST_RANGE = 3;

export function toRanges(names: readonly string[]): readonly NameRange[] {
  const ranges: NameRange[] = [];
  for (let index = 0; index < names.length;) {
    const run = runLength(names, index);
    const first = names[index] ?? "";
    if (run < SHORTEST_RANGE) {
      ranges.push({ text: first, count: 1 });
      index += 1;
    } else {
      ranges.push({ text: `${first}..${names[index + run - 1] ?? ""}`, count: run });
      index += run;
    }
  }
  return ranges;
}

function runLength(names: readonly string[], from: number): number {
  let count = 1;
  while (successor(names[from + count - 1]) === names[from + count] && from + count < names.length) count += 1;
  return count;
}

/** The name that counts one further; `null` for one that does not end in a number. */
function successor(name: string | undefined): string | null {
  const [, before, digits] = /^(.*?)(\d{1,9})$/.exec(name ?? "") ?? [];
  if (before === undefined || digits === undefined || before.endsWith('"')) return null;
  const next = String(Number(digits) + 1);
  return before + (digits.startsWith("0") ? next.padStart(digits.length, "0") : next);
}
