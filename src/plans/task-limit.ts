/** `labels` and `limit`: where a task may run, and what it shares with others of its key. */

import { isLabel, LABEL_FORM, toLabelSet } from "../domain/labels.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Rate } from "../domain/rate.ts";
import { findRate, RATE_FORM } from "../domain/rate.ts";
import type { TaskLimit } from "../domain/task-limit.ts";
import { isLimitKey, toTaskLimit } from "../domain/task-limit.ts";
import type { Fields, TextAt } from "./fields.ts";
import { fieldsOf } from "./fields.ts";
import type { Problems } from "./problems.ts";

/** A list that is said replaces the one given, also an empty one. */
export function labelsOf(fields: Fields, given: readonly string[], problems: Problems): readonly string[] {
  const said = fields.texts("labels");
  if (said === null) return given;
  for (const { text, place } of said) {
    if (isLabel(text)) continue;
    problems.add(place, `${JSON.stringify(text.slice(0, 80))} is no label`, { hint: `A label has ${LABEL_FORM}.` });
  }
  const labels = toLabelSet(said.map(({ text }) => text));
  if (labels.length > LIMITS.labels) {
    const message = `these are ${labels.length} labels, and the limit is ${LIMITS.labels}`;
    problems.add(fields.placeOf("labels"), message, { code: "limit-reached" });
  }
  return labels;
}

/** Takes away a limit that the defaults set. */
export const NO_LIMIT = "none";

/** A text is the key; a map says how many and how often. */
export function limitOf(fields: Fields, given: TaskLimit | null, problems: Problems): TaskLimit | null {
  const node = fields.node("limit");
  if (node === null) return given;
  if (node.kind === "scalar") {
    const said = fields.text("limit");
    return said === null || said.text === NO_LIMIT
      ? null
      : limitUnder(said, { concurrency: null, rate: null }, problems);
  }
  if (fields.map("limit") === null) return null;
  const limit = fieldsOf(node, problems, { what: "limit", known: ["key", "concurrency", "rate"] });
  const concurrency = limit.number("concurrency", { min: 1, max: LIMITS.fleetConcurrency, whole: true });
  const rate = rateOf(limit, problems);
  const key = limit.text("key");
  if (key !== null) return limitUnder(key, { concurrency, rate }, problems);
  problems.add(node.place, "a limit needs a key, which the tasks that share it have in common");
  return null;
}

function limitUnder(key: TextAt, bounds: Omit<TaskLimit, "key">, problems: Problems): TaskLimit {
  if (!isLimitKey(key.text)) problems.add(key.place, `a limit's key is one line of 1 to ${LIMITS.keyChars} characters`);
  return toTaskLimit(key.text, bounds);
}

function rateOf(limit: Fields, problems: Problems): Rate | null {
  const said = limit.text("rate");
  if (said === null) return null;
  const rate = findRate(said.text);
  if (rate === null) problems.add(said.place, `rate must be ${RATE_FORM}, and this is ${JSON.stringify(said.text)}`);
  return rate;
}
