/** When a failed attempt is tried again. */

import type { Random } from "../base/random.ts";

export interface RetryPolicy {
  readonly backoff: "exponential" | "fixed";
  readonly initialDelayMs: number;
  /** Growth per retry when exponential. */
  readonly factor: number;
  readonly maxDelayMs: number;
}

export const DEFAULT_MAX_RETRIES = 3;
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  backoff: "exponential",
  initialDelayMs: 1_000,
  factor: 2,
  maxDelayMs: 300_000,
};

/** An error whose task is not tried again, whatever its retries allow. */
export class NonRetryable extends Error {
  override readonly name = "NonRetryable";
}

/** An error that asks for the next attempt after a given time, such as a server's retry-after. */
export class RetryAfter extends Error {
  override readonly name = "RetryAfter";
  readonly delayMs: number;

  constructor(message: string, options: { readonly delayMs: number; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.delayMs = options.delayMs;
  }
}

/**
 * Milliseconds until retry number `retry` (from 1): the capped backoff with "equal jitter", half of it fixed and half
 * random, so that retries spread out yet never come at once. Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
 */
export function retryDelayMs(policy: RetryPolicy, retry: number, random: Random): number {
  const growth = policy.backoff === "exponential" ? policy.factor ** (retry - 1) : 1;
  const capped = Math.min(policy.maxDelayMs, policy.initialDelayMs * growth);
  return Math.round(capped / 2 + (capped / 2) * random.next());
}
