/** Sums up a session's working memory within a budget of tokens. */

import * as v from "valibot";

import { SUMMARY_STRATEGIES } from "../config/config.ts";
import { sessionReference, tokensInput } from "./json/inputs.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";
import { sessionMemory } from "./session-memory.ts";

export const memorySummary = defineOperation({
  name: "memory-summary",
  summary: "Sums up a session's working memory within a budget of tokens.",
  input: v.object({
    session: sessionReference,
    /** Which entries come first. */
    strategy: v.optional(v.picklist(SUMMARY_STRATEGIES)),
    tokens: v.optional(tokensInput),
  }),
  output: v.object({
    text: v.string(),
    tokenCount: v.number(),
    strategy: v.picklist(SUMMARY_STRATEGIES),
    included: v.number(),
    leftOut: v.number(),
    notices: v.array(v.string()),
  }),
  async run(context, { session, strategy, tokens }) {
    const memory = await sessionMemory(context, await findSessionId(context, session));
    const summary = await memory.getSummary({
      ...(strategy === undefined ? {} : { strategy }),
      ...(tokens === undefined ? {} : { maxTokens: tokens }),
    });
    return { ...summary, notices: [...summary.notices] };
  },
});
