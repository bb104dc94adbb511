/** Whether a row was written after all that is known of it. A row that is merely damaged must not be taken for one. */

import type { Values } from "./row-chain.ts";

const WRITTEN = ["created_at", "updated_at", "started_at", "ended_at", "completed_at", "consumed_at"];
/** Clocks differ, and may have been put back since. */
const SLACK_MS = 86_400_000;

/** `state` is what the log makes of it; `null` when the log does not know it. `latest` is as late as anything is known to be. */
export function isNewerRow(row: Values, state: Values | null, latest: number): boolean {
  const writtenAt = newestInstant(row);
  if (writtenAt > latest + SLACK_MS) return false;
  return state === null || writtenAt > newestInstant(state);
}

function newestInstant(values: Values): number {
  let newest = 0;
  for (const column of WRITTEN) {
    const value = values[column];
    if (typeof value === "number" && value > newest) newest = value;
  }
  return newest;
}
