/** Where two accounts of a row say different things: which of them is damaged, as far as anything tells. */

import type { RawChange } from "../store/rebuild.ts";
import type { Table } from "../store/tables.ts";
import type { Values } from "./row-chain.ts";

export type Verdict = "first" | "second" | "unknown";

interface Accounts {
  readonly table: Table;
  readonly first: Values;
  readonly second: Values;
  /** The change that the first account is of; it may say the same twice. */
  readonly change: RawChange | undefined;
}

/** Which of them cannot be right in the columns in which they differ. Both say something of the same columns. */
export function damagedOne({ table, first, second, change }: Accounts): Verdict {
  const verdicts = new Set<Verdict>();
  for (const column of Object.keys(second)) {
    const [one, other] = [first[column] ?? null, second[column] ?? null];
    if (one === other) continue;
    const isOnePossible = isPossible(table, column, one);
    const isOtherPossible = isPossible(table, column, other);
    if (isOnePossible !== isOtherPossible) verdicts.add(isOnePossible ? "second" : "first");
    else if (change !== undefined && one === change.at && isInstant(column)) verdicts.add("second");
    else if (change !== undefined && other === change.at && isInstant(column)) verdicts.add("first");
    else verdicts.add("unknown");
  }
  const [verdict] = verdicts;
  return verdict !== undefined && verdicts.size === 1 ? verdict : "unknown";
}

function isInstant(column: string): boolean {
  return column.endsWith("_at");
}

function isPossible({ machine, json }: Table, column: string, value: Values[string] | null): boolean {
  if (column === "status" && machine !== undefined) {
    return Object.values(machine.transitions).some(({ from, to }) => to === value || from.includes(String(value)));
  }
  if (isInstant(column)) return value === null || typeof value === "number";
  if (!json.includes(column) || typeof value !== "string" || value.startsWith("@")) return true;
  try {
    JSON.parse(value);
    return true;
  } catch {
    // Damaged.
    return false;
  }
}
