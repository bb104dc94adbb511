import { describe, expect, test } from "vitest";

import { createLiveRegion } from "./live-region.ts";

/** The lines that a terminal shows after these writes; knows the sequences that a region uses. */
function screenOf(written: string): readonly string[] {
  const lines = [""];
  let row = 0;
  // oxlint-disable-next-line no-control-regex
  for (const part of written.match(/\u001b\[\??\d*[A-Za-z]|\r|\n|[^\u001b\r\n]+/g) ?? []) {
    if (part === "\n") lines[++row] ??= "";
    else if (part === "\u001b[2K") lines[row] = "";
    else if (part === "\u001b[0J") lines.splice(row + 1);
    else if (part.endsWith("A")) row -= Number(part.slice(2, -1));
    else if (!part.startsWith("\u001b") && part !== "\r") lines[row] += part;
  }
  return lines;
}

function regionOnScreen() {
  let written = "";
  const region = createLiveRegion((text) => {
    written += text;
  });
  return { region, written: () => written, screen: () => screenOf(written) };
}

describe("createLiveRegion", () => {
  test("replaces its lines, also by fewer", () => {
    const { region, screen } = regionOnScreen();
    region.show(["a 1", "b 1", "c 1"]);
    expect(screen()).toEqual(["a 1", "b 1", "c 1"]);
    region.show(["a 2"]);
    expect(screen()).toEqual(["a 2"]);
    region.end();
  });

  test("lets lines scroll by above it", () => {
    const { region, screen } = regionOnScreen();
    region.show(["bar", "task"]);
    region.above("done 1");
    region.above("done 2\nand more");
    expect(screen()).toEqual(["done 1", "done 2", "and more", "bar", "task"]);
    region.end();
  });

  test("hides the cursor while it is there and gives it back once", () => {
    const { region, written } = regionOnScreen();
    region.show(["bar"]);
    region.end();
    region.end();
    // oxlint-disable-next-line no-control-regex
    expect(written().match(/\u001b\[\?25l/g)).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex
    expect(written().match(/\u001b\[\?25h/g)).toHaveLength(1);
  });

  test("draws nothing when nothing changed", () => {
    const { region, written } = regionOnScreen();
    region.show(["bar"]);
    const before = written();
    region.show(["bar"]);
    expect(written()).toBe(before);
    region.end();
  });

  test("leaves no trace when it was never shown", () => {
    const { region, written } = regionOnScreen();
    region.end();
    expect(written()).toBe("");
  });
});
