/** Recalls facts. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import { FACT_KINDS, FACT_STATUSES } from "../domain/fact.ts";
import { LIMITS } from "../domain/limits.ts";
import type { Recalled, RecallFacts } from "../memory/recall.ts";
import { factSchema, factToJson } from "./json/fact.ts";
import { tokensInput } from "./json/inputs.ts";
import { listOf } from "./json/list-of.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";

export const recall = defineOperation({
  name: "recall",
  summary: "Finds the facts that answer a query best, within a budget of tokens, each with its source.",
  input: v.object({
    query: v.string(),
    tokens: v.optional(tokensInput, 1_000),
    kind: v.optional(listOf(FACT_KINDS)),
    status: v.optional(listOf(FACT_STATUSES)),
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.listLimit)), 20),
  }),
  output: v.object({
    /** A line a fact, with its source and short id. */
    text: v.string(),
    tokenCount: v.number(),
    items: v.array(factSchema),
    /** Found as well, but over the budget or the limit. */
    leftOut: v.number(),
    notices: v.array(v.string()),
  }),
  async run(context, { query, tokens, kind, status, limit }) {
    const found = await checkedRecall(context, {
      query,
      kinds: kind ?? null,
      statuses: status ?? ["active", "questioned"],
      maxTokens: tokens,
      limit,
    });
    const { text, tokenCount, facts, leftOut, notices } = found;
    return { text, tokenCount, items: facts.map(factToJson), leftOut, notices: [...notices] };
  },
});

/** @throws PerdureError `invalid-input`, `limit-reached` */
export async function checkedRecall(
  context: Pick<OperationContext, "store" | "clock" | "embedder">,
  input: RecallFacts,
): Promise<Recalled> {
  if (input.query.trim() === "")
    throw new PerdureError("invalid-input", { message: "The query is empty", hint: "Ask for something, in words." });
  if (input.query.length > LIMITS.recallQueryChars) {
    throw new PerdureError("limit-reached", {
      message: `The query has ${input.query.length} characters; at most ${LIMITS.recallQueryChars} are searched for`,
      hint: "Ask for less at once.",
      details: { chars: input.query.length, limit: LIMITS.recallQueryChars },
    });
  }
  const { recallFacts } = await import("../memory/recall.ts");
  const { store, clock, embedder } = context;
  return await recallFacts({ store, clock, embedder }, { ...input, query: input.query.toWellFormed() });
}
