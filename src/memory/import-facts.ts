/**
 * Taking a file of facts in. The whole file is checked first; then it goes in by parts, each in a transaction of its own, so
 * that a long file holds up nobody. What refers to others comes after them, so a part never waits for a later one, and
 * importing again after a crash takes in the rest.
 */

import type { ClockDep } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import { inDependencyOrder } from "../domain/dependency-graph.ts";
import { LIMITS } from "../domain/limits.ts";
import type { FactImport, ImportedFact, ImportFacts } from "../store/commands/fact-import.ts";
import { importFacts, refuseBadFacts } from "../store/commands/fact-import.ts";
import type { StoreDep } from "../store/port.ts";
import { fileToFacts } from "./fact-file.ts";

const PART = 100;

/** @throws PerdureError `invalid-input` naming what is wrong, `limit-reached`, `unsupported`; nothing has changed then */
export async function importFactFile({ store, clock }: StoreDep & ClockDep, bytes: Uint8Array): Promise<FactImport> {
  refuseLargeFile(bytes.length);
  const facts = ordered(fileToFacts(bytes, clock.now()));
  refuseBadFacts(facts);
  const sum = { added: 0, known: 0, outdated: 0, renamed: 0, lostReferences: 0 };
  let places: ImportFacts["places"] = new Map();
  for (let from = 0; from < facts.length; from += PART) {
    const part = await store.execute(importFacts, { facts: facts.slice(from, from + PART), places });
    places = part.places;
    sum.added += part.added;
    sum.known += part.known;
    sum.outdated += part.outdated;
    sum.renamed += part.renamed;
    sum.lostReferences += part.lostReferences;
  }
  return sum;
}

/** Each after those it refers to; in the order of the file where references go in circles of both kinds. */
function ordered(facts: readonly ImportedFact[]): readonly ImportedFact[] {
  const byId = new Map<string, ImportedFact>(facts.map((fact) => [fact.id, fact]));
  if (byId.size < facts.length) return facts;
  const needsOf = (id: string): readonly string[] => {
    const fact = byId.get(id);
    if (fact === undefined) return [];
    return fact.supersedesId === null ? fact.dependsOn : [...fact.dependsOn, fact.supersedesId];
  };
  return inDependencyOrder([...byId.keys()], needsOf)
    .map((id) => byId.get(id))
    .filter((fact) => fact !== undefined);
}

/** @throws PerdureError `limit-reached` */
export function refuseLargeFile(sizeBytes: number): void {
  if (sizeBytes <= LIMITS.factsFileBytes) return;
  throw new PerdureError("limit-reached", {
    message: `The file has ${sizeBytes} bytes; at most ${LIMITS.factsFileBytes} are taken in at once`,
    hint: "Split it; facts that refer to each other belong together.",
    details: { sizeBytes, limitBytes: LIMITS.factsFileBytes },
  });
}
