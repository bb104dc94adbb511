/** Sets the status in the front matter of a Backlog.md task file. */

import type { Ticked, TickUpdate } from "./tick.ts";

const ID = /^id:[ \t]*(?:'([^'\r\n]*)'|"([^"\r\n]*)"|([^\r\n#]*?))[ \t]*(?:#[^\r\n]*)?\r?$/m;
const STATUS = /^(status:[ \t]*)('[^'\r\n]*'|"[^"\r\n]*"|[^\r\n#]*?)([ \t]*(?:#[^\r\n]*)?)\r?$/m;
const FRONT_MATTER = /^\uFEFF?---[ \t]*(?:\r\n|\n|\r)([\s\S]*?)(?:\r\n|\n|\r)(?:---|\.\.\.)[ \t]*(?:\r\n|\n|\r|$)/;

/** The file holds one task: updates of others are reported as missing. */
export function setBacklogStatus(text: string, updates: readonly TickUpdate[]): Ticked {
  const frontMatter = FRONT_MATTER.exec(text)?.[1] ?? "";
  const [, single, double, plain] = ID.exec(frontMatter) ?? [];
  const id = single ?? double ?? plain ?? "";
  const mine = updates.filter((update) => update.key.toLowerCase() === id.toLowerCase());
  const missing = updates.filter((update) => !mine.includes(update)).map((update) => update.key);
  const update = mine.at(-1);
  const next = update === undefined ? text : withStatus(text, frontMatter, update);
  return { text: next, changed: next === text ? 0 : 1, missing };
}

/** A status that says something else than done or not done stays when the task is not done. */
function withStatus(text: string, frontMatter: string, { done, isInProgress }: TickUpdate): string {
  const start = text.indexOf(frontMatter);
  const status = STATUS.exec(frontMatter);
  if (status === null) return text;
  const [, name = "", written = ""] = status;
  const isDone = /^['"]?(?:done|completed|complete|closed)['"]?$/i.test(written);
  if (isDone === done && isInProgress !== true) return text;
  const quote = /^['"]/.exec(written)?.[0] ?? "";
  const word = done ? "Done" : isInProgress === true ? "In Progress" : "To Do";
  const at = start + status.index + name.length;
  return text.slice(0, at) + quote + word + quote + text.slice(at + written.length);
}
