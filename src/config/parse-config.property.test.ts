import fc from "fast-check";
import { expect, test } from "vitest";
import { isPerdureError } from "../base/errors.ts";
import { DEFAULT_FILE } from "./default-file.ts";
import { parseConfig } from "./parse-config.ts";

const uncommented = DEFAULT_FILE.replaceAll(/^# /gm, "");
/** Where indentation, lists, aliases and types go wrong. */
const anyFragment = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom(
    " ",
    "\n",
    "\t",
    ":",
    "- ",
    "[",
    "}",
    "&a ",
    "*a",
    "!!map ",
    "null",
    "<<: ",
    "? ",
    "---\n",
    "'",
    "|\n",
    "1e999",
    "worker: &b { lease: *b }\n",
  ),
);

/** A configuration, or an error that says where; never anything else. */
function expectAnswer(text: string): void {
  try {
    expect(parseConfig(text, "perdure.yaml").worker.leaseMs).toBeGreaterThan(0);
  } catch (error) {
    if (!isPerdureError(error, "invalid-config")) throw error;
    expect(error.message).toMatch(/^perdure\.yaml:\d+:\d+: \S/);
  }
}

test("any text gives a configuration or an error with line and column", () => {
  fc.assert(
    fc.property(fc.array(anyFragment, { maxLength: 20 }), (parts) => expectAnswer(parts.join(""))),
    { numRuns: 300 },
  );
});

test("so does the default file with something put anywhere", () => {
  fc.assert(
    fc.property(fc.nat(uncommented.length), anyFragment, (at, fragment) =>
      expectAnswer(uncommented.slice(0, at) + fragment + uncommented.slice(at)),
    ),
    { numRuns: 200 },
  );
});
