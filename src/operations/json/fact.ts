/** A fact as JSON. */

import * as v from "valibot";

import type { Fact } from "../../domain/fact.ts";
import { FACT_KINDS, FACT_STATUSES } from "../../domain/fact.ts";
import type { Fallen } from "../../store/commands/fact-graph.ts";
import { toIso } from "./times.ts";

export const factSchema = v.object({
  id: v.string(),
  kind: v.picklist(FACT_KINDS),
  text: v.string(),
  /** Where it comes from: a person, a task, a file. */
  source: v.string(),
  /** 0–1. */
  trust: v.number(),
  status: v.picklist(FACT_STATUSES),
  /** Why it is not, or not surely, in force. */
  statusNote: v.nullable(v.string()),
  supersedesId: v.nullable(v.string()),
  dependsOn: v.array(v.string()),
  version: v.number(),
  createdAt: v.string(),
  updatedAt: v.string(),
});

export type FactJson = v.InferInput<typeof factSchema>;

export function factToJson(fact: Fact): FactJson {
  return {
    id: fact.id,
    kind: fact.kind,
    text: fact.text,
    source: fact.source,
    trust: fact.trust,
    status: fact.status,
    statusNote: fact.statusNote,
    supersedesId: fact.supersedesId,
    dependsOn: [...fact.dependsOn],
    version: fact.version,
    createdAt: toIso(fact.createdAt),
    updatedAt: toIso(fact.updatedAt),
  };
}

/** A fact that fell, with what that has put in question. */
export const fallenSchema = v.object({
  fact: factSchema,
  questioned: v.array(factSchema),
  questionedCount: v.number(),
});

export function fallenToJson({ fact, questioned, questionedCount }: Fallen): v.InferInput<typeof fallenSchema> {
  return { fact: factToJson(fact), questioned: questioned.map(factToJson), questionedCount };
}
