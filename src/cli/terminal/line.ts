/** A line of text in several styles, fitted to the width of the terminal. */

import type { Paint, Style } from "./ansi.ts";
import { displayWidth, truncate } from "./width.ts";

export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** Cut to `width` columns as a whole; `null` for no limit. */
export function fitLine(spans: readonly Span[], width: number | null, paint: Paint): string {
  let left = width ?? Number.POSITIVE_INFINITY;
  let line = "";
  for (const { text, style } of spans) {
    if (left <= 0) break;
    const cut = truncate(text, left);
    left -= displayWidth(cut);
    line += style === undefined ? cut : paint(style, cut);
  }
  return line;
}
