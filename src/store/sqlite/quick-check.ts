/** Looks through a whole database for damage. */

import type { DatabaseSync } from "node:sqlite";

import { messageOf } from "../../base/errors.ts";

/** What is damaged, in words; empty when nothing is. */
export function quickCheck(database: DatabaseSync): readonly string[] {
  try {
    const found = database.prepare("pragma quick_check(20)").all();
    const lines = found.flatMap((row) => String(row.quick_check).split("\n"));
    return lines.filter((line) => line !== "ok" && !line.startsWith("***"));
  } catch (error) {
    // Damage so bad that it cannot be looked through is an answer too.
    return [messageOf(error)];
  }
}
