/** Records a fact. */

import * as v from "valibot";

import { FACT_KINDS } from "../domain/fact.ts";
import { LIMITS } from "../domain/limits.ts";
import type { FactId } from "../domain/ids.ts";
import { resolveFact } from "../store/commands/fact-rows.ts";
import { rememberFact } from "../store/commands/facts.ts";
import { factSchema, factToJson, fallenSchema, fallenToJson } from "./json/fact.ts";
import { factReference } from "./json/inputs.ts";
import { defineOperation } from "./operation.ts";

export const remember = defineOperation({
  name: "remember",
  summary: "Records a fact about the project, unless it is known.",
  input: v.object({
    text: v.string(),
    kind: v.optional(v.picklist(FACT_KINDS), "finding"),
    /** Where it comes from: a person, a task, a file. */
    source: v.string(),
    /** 0–1. */
    trust: v.optional(v.number(), 1),
    /** The fact it replaces. */
    supersedes: v.optional(v.nullable(factReference), null),
    /** Facts it is built on. */
    dependsOn: v.optional(v.pipe(v.array(factReference), v.maxLength(LIMITS.dependenciesPerFact)), []),
    /** Record it even though it says what a fact said that was replaced or forgotten. */
    again: v.optional(v.boolean(), false),
  }),
  output: v.object({
    /** `known`: a fact in force says so. `outdated`: a fallen one does, and nothing was recorded. */
    outcome: v.picklist(["recorded", "known", "outdated"]),
    fact: factSchema,
    superseded: v.nullable(fallenSchema),
  }),
  async run({ store }, input) {
    const dependsOn: FactId[] = [];
    for (const reference of input.dependsOn) dependsOn.push(await store.execute(resolveFact, { reference }));
    const supersedes =
      input.supersedes === null ? null : await store.execute(resolveFact, { reference: input.supersedes });
    const { outcome, fact, superseded } = await store.execute(rememberFact, { ...input, supersedes, dependsOn });
    return {
      outcome,
      fact: factToJson(fact),
      superseded: superseded === null ? null : fallenToJson(superseded),
    };
  },
});
