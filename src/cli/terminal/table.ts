/** Rows in aligned columns. */

import { displayWidth, padEnd, padStart, truncate } from "./width.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Gives way when the terminal is too narrow. One column of a table at most. */
  readonly isFlexible?: boolean;
}

export interface Cell {
  readonly text: string;
  /** Applied after cutting and padding. */
  readonly paint?: (text: string) => string;
}

const GAP = "  ";
const MIN_FLEXIBLE = 10;

/** Lines without a line end; `width` is of the terminal, `null` for no limit. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly (string | Cell)[])[],
  { width, header }: { readonly width: number | null; readonly header?: (text: string) => string },
): readonly string[] {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "string" ? { text: cell } : cell)));
  const widths = fitted(columns, naturalWidths(columns, cells, header !== undefined), width);
  const line = (row: readonly Cell[]): string =>
    columns
      .map((column, at) => {
        const cell = row[at] ?? { text: "" };
        const columnWidth = widths[at] ?? 0;
        const cut = truncate(cell.text, columnWidth);
        const isLast = at === columns.length - 1 && column.align !== "right";
        const padded = column.align === "right" ? padStart(cut, columnWidth) : isLast ? cut : padEnd(cut, columnWidth);
        return cell.paint === undefined ? padded : cell.paint(padded);
      })
      .join(GAP)
      .trimEnd();
  const lines = cells.map(line);
  if (header === undefined) return lines;
  return [header(line(columns.map(({ title }) => ({ text: title })))), ...lines];
}

function naturalWidths(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  hasHeader: boolean,
): readonly number[] {
  return columns.map(({ title }, at) =>
    rows.reduce((widest, row) => Math.max(widest, displayWidth(row[at]?.text ?? "")), hasHeader ? title.length : 0),
  );
}

function fitted(columns: readonly Column[], widths: readonly number[], limit: number | null): readonly number[] {
  if (limit === null) return widths;
  const total = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1);
  if (total <= limit) return widths;
  return widths.map((width, at) =>
    columns[at]?.isFlexible ? Math.min(width, Math.max(MIN_FLEXIBLE, width - (total - limit))) : width,
  );
}
