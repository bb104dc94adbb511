/** Fields that several operations take. */

import * as v from "valibot";

import { isLabel, LABEL_FORM } from "../../domain/labels.ts";
import { LIMITS } from "../../domain/limits.ts";

/** Tasks side by side; `null` is what the session or the configuration says. */
export const concurrencyInput = v.optional(
  v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.concurrency))),
  null,
);

/** An id, the beginning of one, or a key. */
export const taskReference = v.pipe(v.string(), v.nonEmpty("names no task"));

/** An id, the beginning of one, or a name; `null` leaves it to the operation. */
export const sessionReference = v.optional(v.nullable(v.pipe(v.string(), v.nonEmpty("names no session"))), null);

export const executionReference = v.pipe(v.string(), v.nonEmpty("names no execution"));

/** Who does it: a name that the change log keeps. */
export const whoInput = v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"), v.maxLength(LIMITS.nameChars));

export const titleInput = v.pipe(v.string(), v.trim(), v.nonEmpty("is empty"));
export const priorityInput = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10));
export const weightInput = v.pipe(v.number(), v.minValue(0), v.maxValue(1_000_000));
export const retriesInput = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.maxRetries));
/** Milliseconds, or a text such as `10m`; `none` is no limit. */
export const timeoutInput = v.union([v.pipe(v.number(), v.minValue(1)), v.string()]);

export const labelsInput = v.pipe(
  v.array(
    v.pipe(
      v.string(),
      v.check(isLabel, (issue) => `${JSON.stringify(issue.input)} is no label: one has ${LABEL_FORM}`),
    ),
  ),
  v.maxLength(LIMITS.labels),
);
/** What a task shares with others of its key; a text is the key, `none` takes a limit away. */
export const limitInput = v.union([
  v.pipe(v.string(), v.nonEmpty("names no key")),
  v.object({
    key: v.pipe(v.string(), v.nonEmpty("is empty")),
    concurrency: v.optional(
      v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.fleetConcurrency))),
    ),
    rate: v.optional(v.nullable(v.string())),
  }),
]);

/** An id of a fact, or the beginning of one. */
export const factReference = v.pipe(v.string(), v.nonEmpty("names no fact"));
/** A budget for a text that is made for a model. */
export const tokensInput = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.answerTokens));
