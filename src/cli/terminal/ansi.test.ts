import { describe, expect, test } from "vitest";

import { colourPaint, hasColour, isLive, safeLine, safeText } from "./ansi.ts";

describe("safeLine", () => {
  test.each([
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;a new title\u0007text", "text"],
    ["\u001b]8;;https://x\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["\u001b[2J\u001b[Hgone", "gone"],
    ["bell\u0007 back\u0008space \u009b31mC1", "bell backspace 31mC1"],
    ["two\nlines\tand a tab", "two lines and a tab"],
    ["half\rwritten", "halfwritten"],
    ["\u202egnihtyna\u202c", "gnihtyna"],
    ["文書 🚀 é", "文書 🚀 é"],
  ])("makes %j harmless", (text, safe) => {
    expect(safeLine(text)).toBe(safe);
  });

  test("keeps lines where they are wanted", () => {
    expect(safeText("a\r\nb\n\u001b[1mc\td")).toBe("a\nb\nc\td");
  });
});

describe("hasColour", () => {
  const tty = { isTty: true };
  test("is for terminals that can", () => {
    expect(hasColour({ env: {}, ...tty })).toBe(true);
    expect(hasColour({ env: { TERM: "dumb" }, ...tty })).toBe(false);
    expect(hasColour({ env: {}, isTty: false })).toBe(false);
  });

  test("NO_COLOR wins, FORCE_COLOR comes next, and empty ones say nothing", () => {
    expect(hasColour({ env: { NO_COLOR: "1", FORCE_COLOR: "1" }, ...tty })).toBe(false);
    expect(hasColour({ env: { NO_COLOR: "", FORCE_COLOR: "1" }, isTty: false })).toBe(true);
    expect(hasColour({ env: { FORCE_COLOR: "0" }, ...tty })).toBe(false);
  });
});

describe("isLive", () => {
  test("is for a terminal that a person looks at", () => {
    expect(isLive({ env: {}, isTty: true })).toBe(true);
    expect(isLive({ env: { CI: "true" }, isTty: true })).toBe(false);
    expect(isLive({ env: { CI: "false" }, isTty: true })).toBe(true);
    expect(isLive({ env: { TERM: "dumb" }, isTty: true })).toBe(false);
    expect(isLive({ env: {}, isTty: false })).toBe(false);
  });
});

test("colourPaint ends what it began", () => {
  expect(colourPaint("red", "x")).toBe("\u001b[31mx\u001b[39m");
  expect(colourPaint("bold", "x")).toBe("\u001b[1mx\u001b[22m");
  expect(colourPaint("bold", "")).toBe("");
});
