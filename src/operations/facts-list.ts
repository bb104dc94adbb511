/** Lists facts, newest first. */

import * as v from "valibot";

import { FACT_KINDS, FACT_STATUSES } from "../domain/fact.ts";
import { listFacts } from "../store/commands/fact-queries.ts";
import { factSchema, factToJson } from "./json/fact.ts";
import { listOf } from "./json/list-of.ts";
import { fromCursor, pageInput, pageSchema, toCursor } from "./json/page.ts";
import { defineOperation } from "./operation.ts";

export const factsList = defineOperation({
  name: "facts-list",
  summary: "Lists the facts of the project that are in force, or those of a status, newest first.",
  input: v.object({
    kind: v.optional(listOf(FACT_KINDS)),
    status: v.optional(listOf(FACT_STATUSES)),
    /** Exactly this source. */
    source: v.optional(v.nullable(v.string()), null),
    ...pageInput,
  }),
  output: pageSchema(factSchema),
  async run({ store }, { kind, status, source, limit, cursor }) {
    const { facts, next } = await store.execute(listFacts, {
      kinds: kind ?? null,
      statuses: status ?? ["active", "questioned"],
      source,
      from: "newest",
      after: fromCursor(cursor),
      limit,
    });
    return { items: facts.map(factToJson), nextCursor: toCursor(next) };
  },
});
