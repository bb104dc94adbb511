/** Reads the `schedule` of a task: `{type: daily, time, timezone}`, `{cron, timezone}`, `{at}`, `{every}` or `{in}`. */

import { findInstant } from "../base/instant.ts";
import { validateSchedule } from "../domain/schedule-rules.ts";
import type { Schedule } from "../domain/schedule.ts";
import type { Fields } from "./fields.ts";
import { fieldsOf } from "./fields.ts";
import type { PlanNode } from "./plan-tree.ts";
import { describeNode } from "./plan-tree.ts";
import type { Problems } from "./problems.ts";

const TYPES = ["daily", "cron", "at", "every", "in"] as const;
type ScheduleType = (typeof TYPES)[number];

/** The key each type cannot do without. */
const MAIN_KEY: Readonly<Record<ScheduleType, string>> = {
  daily: "time",
  cron: "cron",
  at: "at",
  every: "every",
  in: "in",
};
const WITH_TIMEZONE: ReadonlySet<ScheduleType> = new Set<ScheduleType>(["daily", "cron"]);

const HINT =
  'Write { type: daily, time: "07:00" }, { cron: "0 7 * * 1-5" }, { at: 2026-12-01T09:00:00Z }, { every: 15m } or { in: 30m }.';
const SHORTEST_INTERVAL_MS = 1;

/** `null` when it was reported as a problem. */
export function scheduleOf(node: PlanNode, problems: Problems): Schedule | null {
  if (node.kind !== "map") {
    problems.add(node.place, `schedule must be a map, and this is ${describeNode(node)}`, { hint: HINT });
    return null;
  }
  const fields = fieldsOf(node, problems, {
    what: "schedule",
    known: ["type", "timezone", ...Object.values(MAIN_KEY)],
  });
  const type = typeOf(fields, problems);
  if (type === null) return null;
  if (fields.has("timezone") && !WITH_TIMEZONE.has(type)) {
    problems.add(fields.placeOf("timezone"), `timezone does not apply to "${type}"`);
    return null;
  }
  const schedule = readSchedule(type, fields, problems);
  const wrong = schedule === null ? null : validateSchedule(schedule);
  if (wrong === null) return schedule;
  problems.add(fields.placeOf(MAIN_KEY[type]), `the schedule ${wrong}`, { hint: HINT });
  return null;
}

/** Said by `type`, else by the one key that only one type has. */
function typeOf(fields: Fields, problems: Problems): ScheduleType | null {
  const present = TYPES.filter((type) => fields.has(MAIN_KEY[type]));
  const said = fields.has("type") ? fields.choice("type", TYPES) : (present[0] ?? null);
  if (fields.has("type") && said === null) return null;
  if (said !== null && present.length === 1 && present[0] === said) return said;
  const message =
    said !== null && !present.includes(said)
      ? `a "${said}" schedule says ${MAIN_KEY[said]}`
      : "schedule says one of time, cron, at, every and in";
  problems.add(fields.place, message, { hint: HINT });
  return null;
}

function readSchedule(type: ScheduleType, fields: Fields, problems: Problems): Schedule | null {
  const timezone = fields.text("timezone")?.text ?? null;
  if (type === "daily") {
    const time = fields.text("time")?.text ?? null;
    return time === null ? null : { type, time, timezone };
  }
  if (type === "cron") {
    const cron = fields.text("cron")?.text ?? null;
    return cron === null ? null : { type, cron, timezone };
  }
  if (type === "every") {
    const intervalMs = fields.durationMs("every", { min: SHORTEST_INTERVAL_MS });
    return intervalMs === null ? null : { type, intervalMs };
  }
  if (type === "in") {
    const delayMs = fields.durationMs("in", { min: 0 });
    return delayMs === null ? null : { type, delayMs };
  }
  const at = instantOf("at", fields, problems);
  return at === null ? null : { type, at };
}

/** Epoch milliseconds of an ISO instant that says its offset. */
export function instantOf(key: string, fields: Fields, problems: Problems): number | null {
  const written = fields.text(key);
  if (written === null) return null;
  const at = findInstant(written.text);
  if (at !== null) return at;
  problems.add(
    written.place,
    `${key} must be an instant with its offset, and this is ${JSON.stringify(written.text.slice(0, 80))}`,
    {
      hint: "Write it as 2026-12-01T09:00:00Z or 2026-12-01T10:00:00+01:00.",
    },
  );
  return null;
}
