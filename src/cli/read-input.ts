/** Arguments that may stand on the standard input instead: `-`. */

import { readFileSync } from "../base/quick-fs.ts";
import { messageOf, PerdureError } from "../base/errors.ts";

const STDIN = 0;

/** The word, or for `-` all that is on the standard input, without its last line end. @throws PerdureError `usage` */
export function textOrInput(word: string): string {
  if (word !== "-") return word;
  try {
    return readFileSync(STDIN, "utf8").replace(/\r?\n$/, "");
  } catch (cause) {
    throw new PerdureError("usage", {
      message: `The standard input cannot be read: ${messageOf(cause)}`,
      hint: "Pipe a text in, or write it in the place of -.",
      cause,
    });
  }
}
