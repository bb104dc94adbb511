/** Asking before something that cannot be undone. */

import { createInterface } from "node:readline/promises";

import { PerdureError } from "../../base/errors.ts";

/** Asked on stderr, so that the result stays alone on stdout. @throws PerdureError `usage` where there is nobody to ask */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new PerdureError("usage", {
      message: `${question} There is nobody to ask here`,
      hint: "Say so with --yes.",
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
