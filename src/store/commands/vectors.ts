/** Embeddings, kept by model and hash of the text: derived data, not logged, made again when they are missing. */

import { LIMITS } from "../../domain/limits.ts";
import type { Command } from "../command.ts";
import { defineRead, defineWrite, oneRow, rows } from "../command.ts";
import { integer, text } from "../entity-rows.ts";

export interface StoredVector {
  /** Of the text. */
  readonly hash: string;
  /** Base64 of signed bytes. */
  readonly vector: string;
}

export const findVectors = defineRead(
  "find-vectors",
  function* (
    context,
    input: { readonly model: string; readonly hashes: readonly string[] },
  ): Command<readonly StoredVector[]> {
    const sql = "select vector from vectors where project_id = ? and model = ? and hash = ?";
    const found: StoredVector[] = [];
    for (const hash of input.hashes) {
      const row = yield* oneRow(sql, context.projectId, input.model, hash);
      if (row !== null) found.push({ hash, vector: text(row.vector) });
    }
    return found;
  },
);

/** The oldest go when there are more than `LIMITS.vectors`. */
export const storeVectors = defineWrite(
  "store-vectors",
  function* (context, input: { readonly model: string; readonly vectors: readonly StoredVector[] }): Command<void> {
    const sql = "insert into vectors (project_id, model, hash, vector) values (?, ?, ?, ?) on conflict do nothing";
    for (const { hash, vector } of input.vectors) yield* rows(sql, context.projectId, input.model, hash, vector);
    const last = yield* oneRow("select max(seq) as seq from vectors");
    const oldest = integer(last?.seq ?? 0) - LIMITS.vectors;
    if (oldest > 0) yield* rows("delete from vectors where project_id = ? and seq <= ?", context.projectId, oldest);
  },
);

export interface VectorPage {
  readonly vectors: readonly StoredVector[];
  /** Where the next page begins; `null` after the last. */
  readonly next: number | null;
  readonly last: number;
}

/** All of a model, in the order they were made. */
export const listVectors = defineRead(
  "list-vectors",
  function* (
    context,
    input: { readonly model: string; readonly after: number; readonly limit: number },
  ): Command<VectorPage> {
    const sql =
      "select seq, hash, vector from vectors where project_id = ? and model = ? and seq > ? order by seq limit ?";
    const found = yield* rows(sql, context.projectId, input.model, input.after, input.limit);
    const last = integer(found.at(-1)?.seq ?? input.after);
    const vectors = found.map((row) => ({ hash: text(row.hash), vector: text(row.vector) }));
    return { vectors, last, next: found.length === input.limit ? last : null };
  },
);
