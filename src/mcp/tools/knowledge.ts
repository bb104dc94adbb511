/** `remember` and `recall` */

import * as v from "valibot";

import { FACT_KINDS } from "../../domain/fact.ts";
import { runOperation } from "../../operations/operation.ts";
import { recall as recallOperation } from "../../operations/recall.ts";
import { remember as rememberOperation } from "../../operations/remember.ts";
import { nameOfAgent } from "../agent-name.ts";
import { countFitting, cutToTokens } from "../answer-limits.ts";
import { ADDS, answer, defineTool, READS } from "../tool.ts";

export const remember = defineTool({
  name: "remember",
  description:
    "Records a fact about the project that outlives this session: a decision, pattern, constraint or finding. One fact at a time, in a sentence.",
  annotations: { ...ADDS, idempotentHint: true },
  input: v.strictObject({
    fact: v.string(),
    kind: v.picklist(FACT_KINDS),
    source: v.optional(v.pipe(v.string(), v.description("a file, a task, a person; default: you"))),
    supersedes: v.optional(v.pipe(v.string(), v.description("id of the fact it replaces"))),
    depends_on: v.optional(v.pipe(v.array(v.string()), v.description("ids of facts it is built on"))),
  }),
  output: v.object({
    success: v.boolean(),
    /** `outdated`: this was replaced or forgotten before, and is not recorded. */
    outcome: v.picklist(["recorded", "known", "outdated"]),
    fact_id: v.string(),
    /** Of one that is outdated: why. */
    note: v.optional(v.string()),
  }),
  beforeProject: "begins",
  async run(context, { fact: text, kind, source, supersedes, depends_on: dependsOn }, { client }) {
    const { outcome, fact } = await runOperation(rememberOperation, context, {
      input: {
        text,
        kind,
        source: source ?? nameOfAgent(client),
        supersedes: supersedes ?? null,
        dependsOn: dependsOn ?? [],
      },
    });
    const id = fact.id.slice(0, 8);
    const words = {
      recorded: `Recorded as fact ${id}.`,
      known: `Known already: fact ${id}.`,
      outdated: `Not recorded: fact ${id} said so and is ${fact.status}${fact.statusNote === null ? "" : ` (${fact.statusNote})`}.`,
    };
    return answer(
      {
        success: outcome !== "outdated",
        outcome,
        fact_id: fact.id,
        ...(outcome === "outdated" ? { note: words.outdated } : {}),
      },
      words[outcome],
    );
  },
});

export const recall = defineTool({
  name: "recall",
  description: "Finds facts about the project by what they say, best first, each with its source, within a budget.",
  annotations: READS,
  input: v.strictObject({
    query: v.string(),
    kind: v.optional(v.array(v.picklist(FACT_KINDS))),
    tokens: v.optional(v.pipe(v.number(), v.integer(), v.minValue(50), v.maxValue(10_000)), 1_000),
  }),
  output: v.object({
    facts: v.array(
      v.object({ fact_id: v.string(), kind: v.string(), fact: v.string(), source: v.string(), status: v.string() }),
    ),
    /** Found as well, but over the budget. */
    left_out: v.number(),
  }),
  beforeProject: { facts: [], left_out: 0 },
  async run(context, { query, kind, tokens }) {
    const found = await runOperation(recallOperation, context, {
      input: { query, tokens, ...(kind === undefined || kind.length === 0 ? {} : { kind }) },
    });
    const rows = found.items.map(toRow);
    // As data they take more room than as text, and the model may be given either.
    const fitting = await countFitting(
      rows.map((row) => JSON.stringify(row)),
      tokens,
    );
    const kept = rows.slice(0, fitting);
    const [best] = kept;
    const facts =
      kept.length === 1 && best !== undefined ? [{ ...best, fact: (await cutToTokens(best.fact, tokens)).text }] : kept;
    const leftOut = found.leftOut + rows.length - facts.length;
    const more = leftOut === 0 ? [] : [`${leftOut} more were found; ask for more tokens or more exactly.`];
    // A line a fact.
    const told = facts.length === 0 ? ["No fact answers that."] : found.text.split("\n").slice(0, facts.length);
    return answer({ facts, left_out: leftOut }, [...told, ...more].join("\n"));
  },
});

function toRow({ id, kind, text, source, status }: v.InferInput<typeof recallOperation.output>["items"][number]) {
  return { fact_id: id, kind, fact: text, source, status };
}
