/** Options whose value is JSON. */

import { messageOf, PerdureError } from "../base/errors.ts";
import type { ParsedArguments } from "./parse-arguments.ts";

/** `undefined` when the option was not given. @throws PerdureError `usage` */
export function jsonOption(args: ParsedArguments, name: string): unknown {
  const text = args.text(name);
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PerdureError("usage", {
      message: `--${name} is not JSON: ${messageOf(cause)}`,
      hint: `Write such as --${name} '{"answer": 42}', --${name} '"a text"' or --${name} 42.`,
      cause,
    });
  }
}
