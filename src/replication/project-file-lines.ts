/**
 * A whole project as one file: the lines of its journal, before each what it refers to in pieces, and a last line that says
 * what there was and what the tables came to. All of it sealed like the journal, which a reader of journals can read.
 */

import * as v from "valibot";

import type { JournalLine } from "../store/journal-line.ts";
import { openSeal, readJournalLine, sealed } from "../store/journal-line.ts";
import { stateDigestSchema } from "./state-digest.ts";

export interface ContentPiece {
  readonly hash: string;
  /** In the content. The first one begins at 0. */
  readonly offset: number;
  readonly bytes: Buffer;
}

const endSchema = v.object({
  changes: v.number(),
  contents: v.number(),
  /** `null` for a file without changes. */
  lastSeq: v.nullable(v.number()),
  /** Of all lines before, with their breaks. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** `null` when the project was written to all the while. */
  state: v.nullable(stateDigestSchema),
});
export type ProjectFileEnd = v.InferOutput<typeof endSchema>;

export type ProjectFileLine =
  | JournalLine
  | { readonly kind: "content"; readonly piece: ContentPiece }
  | { readonly kind: "end"; readonly end: ProjectFileEnd };

export function contentToLine({ hash, offset, bytes }: ContentPiece): string {
  return sealed({ content: hash, offset, data: bytes.toString("base64") });
}

export function endToLine(end: ProjectFileEnd): string {
  return sealed({
    end: { ...end, state: end.state === null ? null : { ...end.state, tables: { ...end.state.tables } } },
  });
}

const contentSchema = v.object({
  content: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  offset: v.number(),
  data: v.string(),
});

/** Anything that none of these functions wrote is `damaged`. */
export function readProjectFileLine(text: string): ProjectFileLine {
  if (!text.startsWith('{"content"') && !text.startsWith('{"end"')) return readJournalLine(text);
  const parsed = openSeal(text);
  if (parsed === null) return { kind: "damaged", why: "its checksum does not fit" };
  const content = v.safeParse(contentSchema, parsed);
  if (content.success) {
    const { content: hash, offset, data } = content.output;
    return { kind: "content", piece: { hash, offset, bytes: Buffer.from(data, "base64") } };
  }
  const end = v.safeParse(v.object({ end: endSchema }), parsed);
  return end.success ? { kind: "end", end: end.output.end } : { kind: "damaged", why: "it is none that a file has" };
}
