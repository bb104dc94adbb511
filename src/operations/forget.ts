/** Forgets a fact. */

import * as v from "valibot";

import { resolveFact } from "../store/commands/fact-rows.ts";
import { forgetFact } from "../store/commands/facts.ts";
import { fallenSchema, fallenToJson } from "./json/fact.ts";
import { factReference } from "./json/inputs.ts";
import { defineOperation } from "./operation.ts";

export const forget = defineOperation({
  name: "forget",
  summary: "Takes a fact out of force; what was built on it is questioned. It stays readable.",
  input: v.object({ fact: factReference, reason: v.string() }),
  output: fallenSchema,
  async run({ store }, { fact, reason }) {
    const factId = await store.execute(resolveFact, { reference: fact });
    return fallenToJson(await store.execute(forgetFact, { factId, reason }));
  },
});
