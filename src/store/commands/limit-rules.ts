/** The limits of a project: rules that hold for all its workers, on whatever machine, and for the tasks of all sessions. */

import { LIMITS } from "../../domain/limits.ts";
import { PerdureError } from "../../base/errors.ts";
import type { LimitRule } from "../../domain/task-limit.ts";
import type { Command, CommandContext, Row } from "../command.ts";
import { defineRead, defineWrite, rows } from "../command.ts";
import { rowToLimitRule, text } from "../entity-rows.ts";
import { deleteRow, insertRow, updateRow } from "../rows.ts";
import { columnsOf, LIMIT_RULES } from "../tables.ts";

export interface SetLimitRules {
  /** All there are from now on; of two that are about the same key the first counts. */
  readonly rules: readonly LimitRule[];
}

/**
 * Makes these the limits of the project. Returns whether they were others. What runs goes on, even where that is more than
 * they allow. Changes rows that claims read, so it is not for a hot path.
 */
export const setLimitRules = defineWrite(
  "set-limit-rules",
  function* (context, input: SetLimitRules): Command<boolean> {
    if (input.rules.length > LIMITS.limitRules) {
      throw new PerdureError("limit-reached", {
        message: `There are ${input.rules.length} limits, and at most ${LIMITS.limitRules} are allowed`,
        hint: "Say several keys at once with a pattern, such as customer-*.",
      });
    }
    const present = new Map((yield* ruleRows(context)).map((row) => [text(row.id), row]));
    let hasChanged = false;
    for (const [position, rule] of input.rules.entries()) {
      const values = toRow(rule, position);
      const row = present.get(values.id);
      present.delete(values.id);
      if (row === undefined) {
        const created = { ...values, created_at: context.now, updated_at: context.now };
        yield* insertRow(context, LIMIT_RULES, created, { verb: "create" });
        hasChanged = true;
        continue;
      }
      if (Object.entries(values).every(([column, value]) => row[column] === value)) continue;
      yield* updateRow(context, LIMIT_RULES, row, { verb: "edit", patch: { ...values, updated_at: context.now } });
      hasChanged = true;
    }
    for (const row of present.values()) {
      yield* deleteRow(context, LIMIT_RULES, row, { verb: "delete" });
      hasChanged = true;
    }
    // Claims look at every lane again.
    if (hasChanged) yield* rows("update lanes set due_at = run_at where project_id = ?", context.projectId);
    return hasChanged;
  },
);

function toRow({ subject, pattern, concurrency, rate }: LimitRule, position: number) {
  const id = `${subject}:${pattern}`;
  return {
    id,
    position,
    subject,
    pattern,
    concurrency,
    rate_count: rate?.count ?? null,
    rate_ms: rate?.perMs ?? null,
  };
}

function* ruleRows(context: CommandContext): Command<readonly Row[]> {
  const sql = `select project_id, ${columnsOf(LIMIT_RULES)} from limit_rules where project_id = ? order by position, id`;
  return yield* rows(sql, context.projectId);
}

/** In the order in which they count. */
export function* readLimitRules(context: CommandContext): Command<readonly LimitRule[]> {
  return (yield* ruleRows(context)).map(rowToLimitRule);
}

export const listLimitRules = defineRead("list-limit-rules", function* (context): Command<readonly LimitRule[]> {
  return yield* readLimitRules(context);
});
