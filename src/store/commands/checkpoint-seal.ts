/**
 * The checksum by which a damaged checkpoint is known: of its row and of the change it names. It tells damage, not
 * forgery, and there is one of each in every checkpoint, so 64 bits are kept.
 */

import { sha256 } from "../../base/sha256.ts";
import type { Row, SqlValue } from "../command.ts";
import { CHANGE_COLUMNS } from "../rebuild.ts";

const SEALED = [
  "id",
  "session_id",
  "label",
  "kind",
  "position",
  "environment_hash",
  "workspace",
  "created_at",
] as const;

const CHANGE_FIELDS = CHANGE_COLUMNS.split(", ");
const HEX_DIGITS = 16;

export function checksumOf(checkpoint: Readonly<Record<string, SqlValue>>, change: Row): string {
  const content = [
    ...SEALED.map((column) => checkpoint[column] ?? null),
    ...CHANGE_FIELDS.map((column) => change[column] ?? null),
  ];
  return shortHash(JSON.stringify(content));
}

/** Names an environment by its content. */
export function environmentHash(content: string): string {
  return shortHash(content);
}

function shortHash(text: string): string {
  return sha256().update(text).digest("hex").slice(0, HEX_DIGITS);
}
