/** Writes facts as a file. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import type { Fact, FactKind, FactStatus } from "../domain/fact.ts";
import { FACT_KINDS, FACT_STATUSES } from "../domain/fact.ts";
import { LIMITS } from "../domain/limits.ts";
import type { FactPage } from "../store/commands/fact-queries.ts";
import { listFacts } from "../store/commands/fact-queries.ts";
import { listOf } from "./json/list-of.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";

export const factsExport = defineOperation({
  name: "facts-export",
  summary: "Writes facts as JSON lines, with their history and what they are built on.",
  input: v.object({ kind: v.optional(listOf(FACT_KINDS)), status: v.optional(listOf(FACT_STATUSES)) }),
  output: v.object({ text: v.string(), count: v.number() }),
  async run(context, { kind, status }) {
    const facts = await exportedFacts(context, { kinds: kind ?? null, statuses: status ?? null });
    const { factsToFile } = await import("../memory/fact-file.ts");
    return { text: factsToFile(facts), count: facts.length };
  },
});

/** Oldest first. @throws PerdureError `limit-reached` for more than an import takes */
export async function exportedFacts(
  { store }: Pick<OperationContext, "store">,
  filter: { readonly kinds: readonly FactKind[] | null; readonly statuses: readonly FactStatus[] | null },
): Promise<readonly Fact[]> {
  const facts: Fact[] = [];
  for (let after: number | null = null; ;) {
    const page: FactPage = await store.execute(listFacts, {
      ...filter,
      source: null,
      from: "oldest",
      after,
      limit: LIMITS.listLimit,
    });
    facts.push(...page.facts);
    if (facts.length > LIMITS.factsPerFile) throw tooMany();
    if (page.next === null) return facts;
    after = page.next;
  }
}

function tooMany(): PerdureError {
  return new PerdureError("limit-reached", {
    message: `There are more than ${LIMITS.factsPerFile} facts, more than one file is read with`,
    hint: "Export them by kind or status: --kind decision, --status active.",
    details: { limit: LIMITS.factsPerFile },
  });
}
