/** `store_working_memory` and `retrieve_working_memory` */

import * as v from "valibot";

import { memoryGet } from "../../operations/memory-get.ts";
import { memorySet } from "../../operations/memory-set.ts";
import { memorySummary } from "../../operations/memory-summary.ts";
import { runOperation } from "../../operations/operation.ts";
import { ANSWER_LIMITS, cutToTokens } from "../answer-limits.ts";
import { ADDS, answer, defineTool, READS } from "../tool.ts";

const session = v.optional(v.string());

export const storeWorkingMemory = defineTool({
  name: "store_working_memory",
  description: "Keeps a value under a key for this session, until it expires: what you want back after a crash.",
  annotations: { ...ADDS, idempotentHint: true },
  input: v.strictObject({
    key: v.string(),
    value: v.pipe(v.unknown(), v.description("any JSON")),
    ttl: v.optional(v.pipe(v.string(), v.description('such as "90m"; "none" for ever; default 24h'))),
    importance: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
    session,
  }),
  output: v.object({
    success: v.boolean(),
    key: v.string(),
    expires_at: v.nullable(v.string()),
    /** Keys of entries that made room. */
    evicted: v.array(v.string()),
  }),
  beforeProject: "begins",
  async run(context, { key, value, ttl, importance, session: reference }) {
    const { entry, evicted } = await runOperation(memorySet, context, {
      input: {
        key,
        value: value ?? null,
        session: reference ?? null,
        ...(ttl === undefined ? {} : { ttl }),
        ...(importance === undefined ? {} : { importance }),
      },
    });
    const keys = evicted.slice(0, MOST_EVICTED).map((gone) => gone.key);
    const until = entry.expiresAt === null ? "for ever" : `until ${entry.expiresAt}`;
    return answer(
      { success: true, key: entry.key, expires_at: entry.expiresAt, evicted: keys },
      `Kept ${JSON.stringify(entry.key)} ${until}.${evicted.length === 0 ? "" : ` ${evicted.length} less important entries made room.`}`,
    );
  },
});

const MOST_EVICTED = 20;

export const retrieveWorkingMemory = defineTool({
  name: "retrieve_working_memory",
  description: "Gives back the value kept under a key; without a key, a summary of all that is kept, within a budget.",
  annotations: READS,
  input: v.strictObject({
    key: v.optional(v.string()),
    tokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(50), v.maxValue(10_000))),
    session,
  }),
  output: v.object({
    value: v.optional(v.unknown()),
    /** `value` is only the beginning of its JSON text. */
    value_cut: v.optional(v.boolean()),
    expires_at: v.optional(v.nullable(v.string())),
    summary: v.optional(v.string()),
    /** Entries the summary had no room for. */
    left_out: v.optional(v.number()),
  }),
  beforeProject: { summary: "", left_out: 0 },
  async run(context, { key, tokens, session: reference }) {
    const of = { session: reference ?? null };
    if (key === undefined) {
      const input = { ...of, ...(tokens === undefined ? {} : { tokens }) };
      const { text, leftOut } = await runOperation(memorySummary, context, { input });
      return answer({ summary: text, left_out: leftOut }, text === "" ? "Nothing is kept." : text);
    }
    const { value, expiresAt } = await runOperation(memoryGet, context, { input: { ...of, key } });
    const { text, isCut } = await cutToTokens(JSON.stringify(value ?? null), tokens ?? ANSWER_LIMITS.valueTokens);
    return answer(
      { value: isCut ? text : value, ...(isCut ? { value_cut: true } : {}), expires_at: expiresAt },
      isCut ? `${text} … (cut: ask for more tokens)` : text,
    );
  },
});
