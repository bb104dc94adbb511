/** What a user says of a task's limit, checked. */

import { PerdureError } from "../base/errors.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Rate } from "../domain/rate.ts";
import { findRate, RATE_FORM } from "../domain/rate.ts";
import type { TaskLimit } from "../domain/task-limit.ts";
import { isLimitKey, toTaskLimit } from "../domain/task-limit.ts";

export interface TaskLimitInput {
  /** Tasks of the same key share the limit, whatever session they are in. */
  readonly key: string;
  /** Most that run side by side. Default: 1, or any number when a rate is said. */
  readonly concurrency?: number | null | undefined;
  /** Most starts in a time, such as `10/1s` or `100/1m`. Default: any number. */
  readonly rate?: string | Rate | null | undefined;
}

/** @throws PerdureError `invalid-input` naming `what` and what is wrong with it */
export function parseTaskLimit(what: string, said: string | TaskLimitInput | null): TaskLimit | null {
  if (said === null) return null;
  const { key, concurrency = null, rate = null }: TaskLimitInput = typeof said === "string" ? { key: said } : said;
  if (!isLimitKey(key)) {
    const hint = `A key is one line of 1 to ${LIMITS.keyChars} characters, such as customer-42.`;
    throw new PerdureError("invalid-input", { message: `${what} has no usable key`, hint });
  }
  if (concurrency !== null && !isFleetConcurrency(concurrency)) {
    throw new PerdureError("invalid-input", {
      message: `${what} has the concurrency ${concurrency}`,
      hint: `It must be a whole number from 1 to ${LIMITS.fleetConcurrency}.`,
    });
  }
  const parsed = typeof rate === "string" ? findRate(rate) : rate;
  if (rate !== null && parsed === null) {
    throw new PerdureError("invalid-input", {
      message: `${what} has the rate ${JSON.stringify(rate)}`,
      hint: `It must be ${RATE_FORM}.`,
    });
  }
  return toTaskLimit(key, { concurrency, rate: parsed });
}

function isFleetConcurrency(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= LIMITS.fleetConcurrency;
}
