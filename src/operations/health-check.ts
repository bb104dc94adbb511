/** What a check of a project's health says. */

import * as v from "valibot";

import type { PerdureError } from "../base/errors.ts";

export const healthSchema = v.object({
  checks: v.array(
    v.object({
      name: v.string(),
      /** `warning` is worth knowing and no fault. */
      ok: v.union([v.boolean(), v.literal("warning")]),
      message: v.string(),
      /** What to do. */
      hint: v.optional(v.string()),
    }),
  ),
  /** Nothing is wrong; there may be warnings. */
  healthy: v.boolean(),
});

export type Health = v.InferInput<typeof healthSchema>;
export type HealthCheck = Health["checks"][number];

export function toHealth(checks: readonly HealthCheck[]): Health {
  return { checks: [...checks], healthy: checks.every(({ ok }) => ok !== false) };
}

const MIN_NODE = { major: 22, minor: 18 };

export function checkNode(version: string): HealthCheck {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isEnough = major > MIN_NODE.major || (major === MIN_NODE.major && minor >= MIN_NODE.minor);
  const needed = `${MIN_NODE.major}.${MIN_NODE.minor}`;
  return {
    name: "node",
    ok: isEnough,
    message: `Node.js ${version}`,
    ...(isEnough ? {} : { hint: `Perdure needs Node.js ${needed} or newer.` }),
  };
}

/** What can be said of a project that could not be opened. */
export function healthOfFailedOpening(projectDir: string, error: PerdureError): Health {
  const isConfig = error.code === "invalid-config";
  return toHealth([
    checkNode(process.versions.node),
    { name: "project", ok: true, message: projectDir },
    {
      name: isConfig ? "config" : "store",
      ok: false,
      message: error.message,
      ...(error.hint === null ? {} : { hint: error.hint }),
    },
  ]);
}
