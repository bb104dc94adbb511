import { describe, expect, test } from "vitest";

import type { ErrorCode } from "../base/errors.ts";
import { ERROR_CODES, PerdureError } from "../base/errors.ts";
import { describeError } from "./report-error.ts";
import { colourPaint, plainPaint } from "./terminal/ansi.ts";

const text = { isJson: false, paint: plainPaint };
const missing = new PerdureError("not-found", {
  message: "There is no task x\u001b[31m",
  hint: "List them.",
  details: { reference: "x" },
});

describe("describeError", () => {
  test("tells what happened and what to do, harmless for a terminal", () => {
    expect(describeError(missing, text)).toEqual({ text: "error: There is no task x\nhint: List them.", exit: 3 });
    expect(describeError(missing, { ...text, paint: colourPaint }).text).toContain("\u001b[31merror:\u001b[39m There");
  });

  test("is one document for programs", () => {
    const { text: document } = describeError(missing, { ...text, isJson: true });
    expect(JSON.parse(document)).toEqual({
      schemaVersion: 1,
      error: { code: "not-found", message: missing.message, hint: "List them.", details: { reference: "x" } },
    });
  });

  test.each(Object.entries(ERROR_CODES))("ends with the code of %s", (code, { exit }) => {
    expect(describeError(new PerdureError(code as ErrorCode, { message: "no" }), text).exit).toBe(exit);
  });

  test("says of anything else that it is a bug, with where it happened", () => {
    const { text: told, exit } = describeError(new TypeError("x is not a function"), text);
    expect(exit).toBe(70);
    expect(told).toMatch(
      /^error: x is not a function\nTypeError: x is not a function\n {4}at .*\nhint: This is a bug in Perdure\./s,
    );
    expect(describeError("thrown text", text).text).toContain("error: thrown text\nhint: This is a bug");
  });
});
