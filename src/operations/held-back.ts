/** Why ready tasks do not start, in words and as JSON. */

import * as v from "valibot";

import { boundsText, limitName } from "../domain/task-limit.ts";
import { rateText } from "../domain/rate.ts";
import type { HeldBack } from "../store/commands/held-back.ts";
import type { LimitWait } from "../store/commands/queue.ts";
import { toIsoOrNull } from "./json/times.ts";

export const heldBackSchema = v.nullable(
  v.object({
    reason: v.picklist(["limit", "no_worker"]),
    /** `key:customer-42`; `null` when no limit is in the way. */
    limit: v.nullable(v.string()),
    /** When it may start; `null` when that is not known. */
    until: v.nullable(v.string()),
    message: v.string(),
  }),
);

export function heldBackToJson(heldBack: HeldBack | null): v.InferInput<typeof heldBackSchema> {
  if (heldBack === null) return null;
  if (heldBack.reason === "no_worker") {
    const message = `no worker with ${labelWords(heldBack.labels)} is running; start one with \`perdure worker --labels ${heldBack.labels.join(",")}\``;
    return { reason: "no_worker", limit: null, until: null, message };
  }
  const { limit, opensAt } = heldBack;
  return { reason: "limit", limit: limit.id, until: toIsoOrNull(opensAt), message: `waits for ${placeText(heldBack)}` };
}

/** `a place under key customer-42 (2 of 2 running)`, or `executor command (100/1m)` when only the rate is in the way. */
function placeText({ limit, running, opensAt }: Pick<LimitWait, "limit" | "running" | "opensAt">): string {
  const name = limitName(limit.id);
  if (opensAt !== null && limit.rate !== null) return `the next start under ${name} (${rateText(limit.rate)})`;
  if (limit.concurrency === null) return `a place under ${name} (${boundsText(limit)})`;
  return `a place under ${name} (${running} of ${limit.concurrency} running)`;
}

/** `3 wait for a place under key customer-42 (2 of 2 running)` */
export function limitWaitText(wait: LimitWait): string {
  return `${wait.count} ${wait.count === 1 ? "waits" : "wait"} for ${placeText(wait)}`;
}

export function labelWords(labels: readonly string[]): string {
  return `${labels.length === 1 ? "label" : "labels"} ${labels.join(", ")}`;
}
