/** Errors as a model reads them. */

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { describe, expect, test } from "vitest";

import type { ErrorCode } from "../base/errors.ts";
import { ERROR_CODES, PerdureError } from "../base/errors.ts";
import { errorWords } from "./error-words.ts";

const SRC = resolve(import.meta.dirname, "..");

/** Every hint that is written in the sources. */
function hintsInSources(): readonly string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !/^(mcp|cli)[\\/]/.test(file))
    .flatMap((file) => [...readFileSync(join(SRC, file), "utf8").matchAll(/hint:\s*(["'`])(.*?)\1,?\n/g)])
    .map(([, , hint = ""]) => hint.replaceAll("\\`", "`"));
}

describe("errorWords", () => {
  test("names no command of the command line, whatever the hint says", () => {
    const hints = hintsInSources();
    expect(hints.filter((hint) => hint.includes("perdure ")).length).toBeGreaterThan(10);
    const told = hints.flatMap((hint) =>
      (Object.keys(ERROR_CODES) as ErrorCode[])
        // What only the user can do is asked of the user.
        .filter((code) => code !== "store-damaged")
        .map((code) => errorWords(new PerdureError(code, { message: "M", hint }))),
    );
    expect(told.filter((words) => /`perdure |(^|\s)--[a-z]/.test(words))).toEqual([]);
  });

  test("keeps a hint that says what to do without a command", () => {
    const error = new PerdureError("invalid-input", { message: "No such day", hint: "Write it as 2026-12-01." });
    expect(errorWords(error)).toBe("No such day\nWrite it as 2026-12-01.");
  });

  test("always says what to do next", () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      expect(errorWords(new PerdureError(code, { message: "M" })).split("\n")[1]).toMatch(/\w.*\.$/);
    }
  });
});
