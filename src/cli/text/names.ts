/** What things are called on a terminal: short, safe, and such that they can be typed again. */

import { safeLine } from "../terminal/ansi.ts";

const SHORT_ID_CHARS = 8;

/** The beginning of an id; unique in practice, and told if it is not. */
export function shortId(id: string): string {
  return id.slice(0, SHORT_ID_CHARS);
}

/** A task by its key from the plan, else by its short id. */
export function taskName({ key, id }: { readonly key: string | null; readonly id: string }): string {
  return key === null ? shortId(id) : safeLine(key);
}

/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
