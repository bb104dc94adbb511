import { describe, expect, test } from "vitest";

import { colourPaint } from "./ansi.ts";
import { displayWidth, padEnd, padStart, truncate } from "./width.ts";

describe("displayWidth", () => {
  test.each([
    ["", 0],
    ["plain", 5],
    ["naïve", 5],
    ["naïve", 5],
    ["文書", 4],
    ["한국어", 6],
    ["ｆｕｌｌ", 8],
    ["🚀", 2],
    ["👩‍👩‍👧", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["█▌░", 3],
    ["a\u200db", 2],
  ])("measures %j", (text, columns) => {
    expect(displayWidth(text)).toBe(columns);
  });

  test("counts no columns for colour", () => {
    expect(displayWidth(colourPaint("green", "done"))).toBe(4);
  });
});

describe("truncate", () => {
  test("leaves what fits", () => {
    expect(truncate("abc", 3)).toBe("abc");
  });

  test("cuts with an ellipsis, never through a wide character", () => {
    expect(truncate("abcdef", 4)).toBe("abc…");
    expect(truncate("文書文書", 4)).toBe("文…");
    expect(truncate("👩‍👩‍👧👩‍👩‍👧", 3)).toBe("👩‍👩‍👧…");
  });

  test("gives nothing where there is no room", () => {
    expect(truncate("abc", 0)).toBe("");
    expect(truncate("abc", 1)).toBe("…");
  });
});

describe("padding", () => {
  test("fills up by columns, not by characters", () => {
    expect(padEnd("文", 4)).toBe("文  ");
    expect(padStart("文", 4)).toBe("  文");
    expect(padEnd("abcdef", 3)).toBe("abcdef");
  });
});
