/** Names and values below each other. */

import type { Paint } from "../terminal/ansi.ts";
import { padEnd } from "../terminal/width.ts";

/** Those without a value are left out. */
export function fieldLines(
  fields: readonly (readonly [name: string, value: string | null])[],
  paint: Paint,
): readonly string[] {
  const known = fields.filter(([, value]) => value !== null);
  const width = Math.max(0, ...known.map(([name]) => name.length));
  return known.map(([name, value]) => `  ${paint("dim", padEnd(name, width))}  ${value ?? ""}`);
}
