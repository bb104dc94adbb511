/** A few lines at the bottom of the terminal that are redrawn in place, while other lines scroll by above them. */

import { CLEAR_BELOW, CLEAR_LINE, cursorUp, HIDE_CURSOR, SHOW_CURSOR } from "./ansi.ts";

export interface LiveRegion {
  /** Replaces the lines of the region. Each must fit the width of the terminal. */
  show(lines: readonly string[]): void;
  /** Prints lines above the region, for good. */
  above(text: string): void;
  /** Leaves nothing of the region behind and gives the cursor back. Safe to repeat. */
  end(): void;
}

export function createLiveRegion(draw: (text: string) => void): LiveRegion {
  let shown: readonly string[] = [];
  let hasBegun = false;
  const begin = (): string => {
    if (hasBegun) return "";
    hasBegun = true;
    process.once("exit", end);
    return HIDE_CURSOR;
  };
  const toTop = (): string => `\r${cursorUp(Math.max(0, shown.length - 1))}`;
  const body = (lines: readonly string[]): string => lines.map((line) => CLEAR_LINE + line).join("\n") + CLEAR_BELOW;
  function end(): void {
    if (!hasBegun) return;
    hasBegun = false;
    process.removeListener("exit", end);
    draw(`${toTop()}${CLEAR_BELOW}${SHOW_CURSOR}`);
    shown = [];
  }
  return {
    show(lines) {
      if (lines.length === shown.length && lines.every((line, at) => line === shown[at])) return;
      draw(`${begin()}${toTop()}${body(lines)}`);
      shown = lines;
    },
    above(text) {
      const lines = text.split("\n").map((line) => CLEAR_LINE + line);
      draw(`${begin()}${toTop()}${lines.join("\n")}${CLEAR_BELOW}\n${body(shown)}`);
    },
    end,
  };
}
