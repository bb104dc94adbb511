/**
 * What is not in the change log and yet has to be known to every process of a project: who works, and which processes were
 * started. Kept as one small file that is replaced whole.
 */

import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";

import { messageOf, PerdureError } from "../../base/errors.ts";
import { hasErrorCode } from "../../base/file-errors.ts";
import { readFileSync } from "../../base/quick-fs.ts";
import type { Command, Row, SqlValue } from "../command.ts";
import { defineRead, defineWrite, rows } from "../command.ts";

/** The tables, each with its columns but `project_id`. */
const TABLES = {
  workers: [
    "id",
    "host",
    "pid",
    "start_token",
    "label",
    "registered_at",
    "lease_expires_at",
    "by_hand",
    "executors",
    "labels",
  ],
  processes: ["execution_id", "pid", "host", "start_token"],
  limit_starts: ["id", "starts", "expires_at"],
} as const;
type TableName = keyof typeof TABLES;
const NAMES: readonly TableName[] = ["workers", "processes", "limit_starts"];

/** Of columns that a file from an older program does not have. */
const DEFAULTS: Readonly<Record<string, SqlValue>> = { by_hand: 0, executors: "[]", labels: "[]" };

type Coordination = Readonly<Record<TableName, readonly Row[]>>;

/** The file's text for what the tables hold; the same for the same rows. */
export const coordinationText = defineRead("coordination-text", function* (context): Command<string> {
  const found: Partial<Record<TableName, readonly Row[]>> = {};
  for (const name of NAMES) {
    const columns = TABLES[name].join(", ");
    found[name] = yield* rows(`select ${columns} from ${name} where project_id = ? order by 1, 2`, context.projectId);
  }
  return toText(found);
});

export const NO_COORDINATION = toText({});

function toText(found: Partial<Coordination>): string {
  const lines = NAMES.map((name) => {
    const each = (found[name] ?? []).map((row) => `\n  ${JSON.stringify(row)}`);
    return `"${name}": [${each.join(",")}]`;
  });
  return `{${lines.join(",\n")}}\n`;
}

/** Makes the tables what the text says. */
export const loadCoordination = defineWrite(
  "load-coordination",
  function* (context, input: { readonly text: string }): Command<void> {
    const loaded = JSON.parse(input.text) as Record<string, Readonly<Record<string, SqlValue>>[]>;
    for (const name of NAMES) {
      yield* rows(`delete from ${name} where project_id = ?`, context.projectId);
      const columns = TABLES[name];
      const sql = `insert into ${name} (project_id, ${columns.join(", ")}) values (?${", ?".repeat(columns.length)})`;
      for (const row of loaded[name] ?? []) {
        yield* rows(sql, context.projectId, ...columns.map((column) => row[column] ?? DEFAULTS[column] ?? null));
      }
    }
  },
);

/** @throws PerdureError `store-damaged` when it holds something else than was written. */
export function readCoordination(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return NO_COORDINATION;
    throw error;
  }
  try {
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new PerdureError("store-damaged", {
      message: `${path} is damaged: ${messageOf(cause)}`,
      hint: "It holds only who is working. Stop what uses the project and delete the file; `perdure resume` goes on.",
      details: { path },
      cause,
    });
  }
}

/** Durable when it returns. Only whoever holds the store's lock may. */
export function writeCoordination(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, "w");
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}
