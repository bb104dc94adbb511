/** What a command task is given. */

import * as v from "valibot";

const text = v.pipe(
  v.string(),
  v.check((value) => !value.includes("\0"), "The system takes no text with a NUL character"),
);
const line = v.pipe(
  text,
  v.check((value) => value.trim() !== "", "Write a command"),
);
const variableName = v.pipe(text, v.regex(/^[^=]+$/, "A variable's name is not empty and has no ="));

export const commandInputSchema = v.strictObject({
  /** A line for the shell. */
  run: line,
  /** Added to the environment Perdure itself has. */
  env: v.optional(v.record(variableName, text), {}),
  /** Relative to the project. */
  cwd: v.optional(text, "."),
  /** `once` for a command that must not run again when nobody knows whether it did. */
  effect: v.optional(v.picklist(["once", "repeatable"]), "repeatable"),
  /** For `once`: a line that finds out. Exit 0 is "done", 1 is "not done". */
  verify: v.optional(line),
});

export type CommandInput = v.InferOutput<typeof commandInputSchema>;
