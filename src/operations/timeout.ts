/** Time limits as people say them. */

import { parseDurationMs } from "../base/duration.ts";
import { PerdureError } from "../base/errors.ts";

/** Milliseconds of `10m`; `null` for `none`, which is no limit. @throws PerdureError `invalid-input` */
export function toTimeoutMs(said: string | number): number | null {
  if (said === "none") return null;
  const ms = parseDurationMs(said, "The timeout");
  if (ms >= 1) return ms;
  throw new PerdureError("invalid-input", {
    message: `The timeout is ${ms} ms`,
    hint: "Give it at least 1ms, or `none` for no limit.",
  });
}
