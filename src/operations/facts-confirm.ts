/** Confirms a questioned fact. */

import * as v from "valibot";

import { resolveFact } from "../store/commands/fact-rows.ts";
import { confirmFact } from "../store/commands/facts.ts";
import { factSchema, factToJson } from "./json/fact.ts";
import { factReference } from "./json/inputs.ts";
import { defineOperation } from "./operation.ts";

export const factsConfirm = defineOperation({
  name: "facts-confirm",
  summary: "Says that a questioned fact still holds.",
  input: v.object({ fact: factReference, note: v.optional(v.nullable(v.string()), null) }),
  output: factSchema,
  async run({ store }, { fact, note }) {
    const factId = await store.execute(resolveFact, { reference: fact });
    return factToJson(await store.execute(confirmFact, { factId, note }));
  },
});
