/** Reads a brief's text as a program would, knowing only its form: what is done, what runs at which step, what is next. */

export interface ReadItem {
  /** A key, or the beginning of an id. */
  readonly name: string;
  readonly step: { readonly relation: "at" | "after"; readonly name: string; readonly isCut: boolean } | null;
  /** What stands in brackets: a reason, a time. */
  readonly remark: string | null;
}

export interface ReadList {
  readonly count: number;
  /** Of how many, for what is done. */
  readonly total: number | null;
  readonly items: readonly ReadItem[];
  /** How many it says it does not name. */
  readonly others: number;
}

export interface ReadBrief {
  readonly session: { readonly name: string; readonly shortId: string; readonly status: string } | null;
  readonly lists: ReadonlyMap<string, ReadList>;
  readonly commands: readonly string[];
  /** Lines below each heading. */
  readonly sections: ReadonlyMap<string, readonly string[]>;
}

const LIST = /^(Done|Phases done|Now|Next|Later|Blocked|Failed|Cancelled) (\d+)(?:\/(\d+))?(?:: (.*))?$/;
const MINIMUM =
  /^Session (\S+) (\w+): done (\d+)\/(\d+); now (\d+), next (\d+), blocked (\d+), failed (\d+); more with `[^`]+`$/;

/** @throws Error on any line that is not of the form */
export function readBrief(text: string): ReadBrief {
  const minimum = MINIMUM.exec(text);
  if (minimum !== null) return readMinimum(minimum);
  let session: ReadBrief["session"] = null;
  const lists = new Map<string, ReadList>();
  const commands: string[] = [];
  const sections = new Map<string, string[]>();
  let section: string[] | null = null;
  for (const line of text.split("\n")) {
    const heading = /^## ([A-Z][a-z, ]+?)(?: \(\d+ of \d+\))?$/.exec(line);
    const list = LIST.exec(line);
    if (line === "" || line === "No session yet" || /^Not shown: [a-z]+ \d+(?:, [a-z]+ \d+)*$/.test(line)) continue;
    if (heading !== null) sections.set(heading[1] ?? "", (section = []));
    else if (section !== null) {
      if (!line.startsWith("- ")) throw new Error(`a line of a section begins otherwise: ${line}`);
      section.push(line);
    } else if (list !== null) lists.set(list[1] ?? "", readList(list));
    else if (line.startsWith("Session ")) session = readSession(line);
    else if (/^Continue: `[^`]+`$/.test(line)) commands.push(line.slice(11, -1));
    else if (!/^(Project|Goal) /.test(line) || !isQuoted(line.slice(line.indexOf(" ") + 1)))
      throw new Error(`not a line of a brief: ${JSON.stringify(line)}`);
  }
  return { session, lists, commands, sections };
}

function readMinimum([, shortId = "", status = "", ...counts]: RegExpExecArray): ReadBrief {
  const [done = 0, total = 0, now = 0, next = 0, blocked = 0, failed = 0] = counts.map(Number);
  const unnamed = (count: number): ReadList => ({ count, total: null, items: [], others: count });
  return {
    session: { name: "", shortId, status },
    lists: new Map([
      ["Done", { ...unnamed(done), total }],
      ["Now", unnamed(now)],
      ["Next", unnamed(next)],
      ["Blocked", unnamed(blocked)],
      ["Failed", unnamed(failed)],
    ]),
    commands: [],
    sections: new Map(),
  };
}

function readSession(line: string): ReadBrief["session"] {
  const cursor = { text: line, at: "Session ".length };
  const name = takeQuoted(cursor);
  const [, shortId = "", status = ""] = /^ (\S+) (\w+)$/.exec(line.slice(cursor.at)) ?? [];
  if (name === null || status === "") throw new Error(`not a session: ${line}`);
  return { name: name.text, shortId, status };
}

interface Cursor {
  readonly text: string;
  at: number;
}

function readList([, , count = "0", total, rest = ""]: RegExpExecArray): ReadList {
  const items: ReadItem[] = [];
  let others = 0;
  const cursor: Cursor = { text: rest, at: 0 };
  while (cursor.at < rest.length) {
    const tail = /^(?:; )?(\d+) (?:more|not named)$/.exec(rest.slice(cursor.at));
    if (tail !== null) {
      others = Number(tail[1]);
      break;
    }
    if (items.length > 0) take(cursor, /^, /y);
    items.push(...takeItems(cursor));
  }
  return { count: Number(count), total: total === undefined ? null : Number(total), items, others };
}

function takeItems(cursor: Cursor): readonly ReadItem[] {
  const quoted = takeQuoted(cursor);
  const word = quoted === null ? take(cursor, /[^\s,;()"]+/y) : quoted.text;
  const relation = /^ (at|after) "/.exec(cursor.text.slice(cursor.at))?.[1] as "at" | "after" | undefined;
  let step: ReadItem["step"] = null;
  if (relation !== undefined) {
    cursor.at += relation.length + 2;
    const name = takeQuoted(cursor);
    if (name === null) throw new Error(`no step at ${cursor.at} of ${cursor.text}`);
    step = { relation, name: name.text, isCut: name.isCut };
  }
  const [bracket = null, remark = null] = / \(([^()]*)\)/y.exec(cursor.text.slice(cursor.at)) ?? [];
  if (bracket !== null) cursor.at += bracket.length;
  const names = quoted === null ? namesOf(word) : [word];
  return names.map((name) => ({ name, step, remark }));
}

function namesOf(word: string): readonly string[] {
  const [first = "", last] = word.split("..");
  if (last === undefined) return [word];
  const [, before = "", from = ""] = /^(.*?)(\d{1,9})$/.exec(first) ?? [];
  const [, to = ""] = /(\d{1,9})$/.exec(last.slice(before.length)) ?? [];
  const width = from.startsWith("0") ? from.length : 0;
  const names: string[] = [];
  for (let number = Number(from); number <= Number(to); number += 1)
    names.push(before + String(number).padStart(width, "0"));
  if (names.at(-1) !== last) throw new Error(`not a range: ${word}`);
  return names;
}

function takeQuoted(cursor: Cursor): { readonly text: string; readonly isCut: boolean } | null {
  const [found] = /"(?:[^"\\]|\\.)*"/y.exec(cursor.text.slice(cursor.at)) ?? [];
  if (found === undefined) return null;
  cursor.at += found.length;
  const isCut = cursor.text[cursor.at] === "…";
  if (isCut) cursor.at += 1;
  return { text: JSON.parse(found) as string, isCut };
}

function isQuoted(text: string): boolean {
  const cursor: Cursor = { text, at: 0 };
  return takeQuoted(cursor) !== null && cursor.at === text.length;
}

function take(cursor: Cursor, pattern: RegExp): string {
  const [found] = pattern.exec(cursor.text.slice(cursor.at)) ?? [];
  if (found === undefined) throw new Error(`unexpected at ${cursor.at} of ${cursor.text}`);
  cursor.at += found.length;
  return found;
}
