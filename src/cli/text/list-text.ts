/** Pages of a list as tables. */

import type { View } from "../output.ts";
import type { Cell, Column } from "../terminal/table.ts";
import { renderTable } from "../terminal/table.ts";
import { moreWords } from "../verb.ts";

export interface ListText<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** A header only on a terminal: piped, each line is one item. */
export function listText<Item>(
  { items, nextCursor }: ListText<Item>,
  {
    columns,
    row,
    empty,
    view,
  }: {
    readonly columns: readonly Column[];
    readonly row: (item: Item) => readonly (string | Cell)[];
    /** Said when there is none. */
    readonly empty: string;
    readonly view: View;
  },
): string {
  const { width, paint } = view;
  if (items.length === 0) return width === null ? "" : empty;
  const header = width === null ? {} : { header: (line: string) => paint("dim", line) };
  const lines = renderTable(columns, items.map(row), { width, ...header });
  const more = nextCursor === null || width === null ? [] : [paint("dim", moreWords(nextCursor))];
  return [...lines, ...more].join("\n");
}
