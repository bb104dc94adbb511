/** Rewords a fact. */

import * as v from "valibot";

import { resolveFact } from "../store/commands/fact-rows.ts";
import { editFact } from "../store/commands/facts.ts";
import { factSchema, factToJson } from "./json/fact.ts";
import { factReference } from "./json/inputs.ts";
import { defineOperation } from "./operation.ts";

export const factsEdit = defineOperation({
  name: "facts-edit",
  summary: "Rewords a fact: a new version of it, on which nothing falls.",
  input: v.object({ fact: factReference, text: v.string() }),
  output: factSchema,
  async run({ store }, { fact, text }) {
    const factId = await store.execute(resolveFact, { reference: fact });
    return factToJson(await store.execute(editFact, { factId, text }));
  },
});
