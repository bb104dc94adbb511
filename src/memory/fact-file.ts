/** Facts as a file: JSON lines, the first of which says what the others are. */

import * as v from "valibot";

import type { Millis } from "../base/clock.ts";
import { messageOf, PerdureError } from "../base/errors.ts";
import { findInstant } from "../base/instant.ts";
import type { Fact } from "../domain/fact.ts";
import { FACT_KINDS, FACT_STATUSES } from "../domain/fact.ts";
import { asId } from "../domain/ids.ts";
import { LIMITS } from "../domain/limits.ts";
import type { ImportedFact } from "../store/commands/fact-import.ts";

const FORMAT_VERSION = 1;

export function factsToFile(facts: readonly Fact[]): string {
  const lines = facts.map((fact) =>
    JSON.stringify({
      id: fact.id,
      kind: fact.kind,
      text: fact.text,
      source: fact.source,
      trust: fact.trust,
      status: fact.status,
      statusNote: fact.statusNote,
      supersedesId: fact.supersedesId,
      dependsOn: fact.dependsOn,
      version: fact.version,
      createdAt: new Date(fact.createdAt).toISOString(),
    }),
  );
  return `${[JSON.stringify({ perdureFacts: FORMAT_VERSION }), ...lines].join("\n")}\n`;
}

const HEADER = v.object({ perdureFacts: v.number() });

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const id = v.pipe(v.string(), v.regex(UUID, "is no id"));
/** Only `id`, `kind`, `text` and `source` must be there. */
const LINE = v.object({
  id,
  kind: v.picklist(FACT_KINDS),
  text: v.string(),
  source: v.string(),
  trust: v.optional(v.number(), 1),
  status: v.optional(v.picklist(FACT_STATUSES), "active"),
  statusNote: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(LIMITS.factNoteChars))), null),
  supersedesId: v.optional(v.nullable(id), null),
  dependsOn: v.optional(v.array(id), []),
  version: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
  createdAt: v.optional(v.nullable(v.string()), null),
});

/** @throws PerdureError `invalid-input` naming the line, `unsupported` for a newer one */
export function fileToFacts(bytes: Uint8Array, now: Millis): readonly ImportedFact[] {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  const header = v.safeParse(HEADER, parseLine(lines[0] ?? "", 1));
  if (!header.success) throw badLine(1, 'it is not {"perdureFacts":1}: this is no file of facts');
  if (header.output.perdureFacts > FORMAT_VERSION) {
    throw new PerdureError("unsupported", {
      message: `The file is of version ${header.output.perdureFacts}; this Perdure knows up to ${FORMAT_VERSION}`,
      hint: "Update Perdure (npm install perdure@latest); nothing was changed.",
    });
  }
  return lines.flatMap((line, at) => (at === 0 || line.trim() === "" ? [] : [toFact(line, at + 1, now)]));
}

function toFact(line: string, number: number, now: Millis): ImportedFact {
  const parsed = v.safeParse(LINE, parseLine(line, number));
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "the line"}: ${issue.message}`);
    throw badLine(number, problems.join("; "));
  }
  const { createdAt, ...said } = parsed.output;
  const at = createdAt === null ? now : findInstant(createdAt);
  if (at === null) throw badLine(number, `createdAt: ${JSON.stringify(createdAt)} is no instant`);
  return {
    ...said,
    id: asId(said.id),
    supersedesId: said.supersedesId === null ? null : asId(said.supersedesId),
    dependsOn: said.dependsOn.map((reference) => asId(reference)),
    createdAt: at,
  };
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw badLine(number, messageOf(cause));
  }
}

function badLine(number: number, why: string): PerdureError {
  return new PerdureError("invalid-input", {
    message: `Line ${number} of the file is no fact: ${why}`,
    hint: "Correct the line or take it out; nothing was changed.",
    details: { line: number },
  });
}
