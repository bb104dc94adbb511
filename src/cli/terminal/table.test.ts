import { describe, expect, test } from "vitest";

import { renderTable } from "./table.ts";

const COLUMNS = [{ title: "task" }, { title: "done", align: "right" }, { title: "title", isFlexible: true }] as const;
const ROWS = [
  ["build", "100%", "Build the package"],
  ["文書", "5%", "Write docs"],
] as const;

describe("renderTable", () => {
  test("aligns columns by what is seen", () => {
    expect(renderTable(COLUMNS, ROWS, { width: null, header: (line) => line })).toEqual([
      "task   done  title",
      "build  100%  Build the package",
      "文書     5%  Write docs",
    ]);
  });

  test("has no header unless it is asked for", () => {
    expect(renderTable(COLUMNS, ROWS, { width: null })).toHaveLength(2);
  });

  test("lets the flexible column give way to a narrow terminal", () => {
    expect(renderTable(COLUMNS, ROWS, { width: 24 })).toEqual(["build  100%  Build the …", "文書     5%  Write docs"]);
  });

  test("keeps at least ten columns of it", () => {
    expect(renderTable(COLUMNS, ROWS, { width: 5 })[0]).toBe("build  100%  Build the…");
  });

  test("paints a cell after it was cut and padded", () => {
    const paint = (text: string): string => `<${text}>`;
    expect(
      renderTable(
        [{ title: "" }, { title: "" }],
        [
          [{ text: "a", paint }, "b"],
          ["long", "c"],
        ],
        { width: null },
      ),
    ).toEqual(["<a   >  b", "long  c"]);
  });
});
