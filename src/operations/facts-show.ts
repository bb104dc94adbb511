/** Shows a fact. */

import * as v from "valibot";

import { factHistory, getFact, listDependents } from "../store/commands/fact-queries.ts";
import { resolveFact } from "../store/commands/fact-rows.ts";
import { factSchema, factToJson } from "./json/fact.ts";
import { factReference } from "./json/inputs.ts";
import { toIso } from "./json/times.ts";
import { defineOperation } from "./operation.ts";

export const factsShow = defineOperation({
  name: "facts-show",
  summary: "Shows a fact, what it is built on, what is built on it, and what was said before.",
  input: v.object({ fact: factReference, history: v.optional(v.boolean(), false) }),
  output: v.object({
    ...factSchema.entries,
    /** Facts directly built on it. */
    dependents: v.array(factSchema),
    /** Of it and of the facts it replaced or was replaced by, oldest first; `null` unless asked for. */
    history: v.nullable(
      v.array(
        v.object({
          at: v.string(),
          actor: v.string(),
          verb: v.string(),
          factId: v.string(),
          /** As it became; `null` when the text did not change. */
          text: v.nullable(v.string()),
          version: v.nullable(v.number()),
          note: v.nullable(v.string()),
        }),
      ),
    ),
  }),
  async run({ store }, input) {
    const factId = await store.execute(resolveFact, { reference: input.fact });
    const events = input.history ? await store.execute(factHistory, { factId }) : null;
    return {
      ...factToJson(await store.execute(getFact, { factId })),
      dependents: (await store.execute(listDependents, { factId })).map(factToJson),
      history: events?.map((event) => ({ ...event, at: toIso(event.at) })) ?? null,
    };
  },
});
