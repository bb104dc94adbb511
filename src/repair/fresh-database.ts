/**
 * An empty database as this program makes it: what a repaired one begins as, and what tells how a damaged one was laid out.
 * All tables are made before the first row, so their first pages are where they are in an empty one.
 */

import { DatabaseSync } from "node:sqlite";
import { readFileSync, writeFileSync } from "node:fs";

import { LOGGED_TABLES } from "../store/tables.ts";
import { openDatabase, PAGE_BYTES } from "../store/sqlite/open-database.ts";
import type { ProjectRow } from "./salvage.ts";

/** Closed again, without a write-ahead log. */
export function makeFreshDatabase(path: string, project: ProjectRow | null, pageBytes: number = PAGE_BYTES): void {
  const database = openDatabase({ path, durability: "normal", busyTimeoutMs: 1_000, pageBytes });
  try {
    if (project === null) return;
    const insert = database.prepare("insert into projects (id, name, created_at) values (?, ?, ?)");
    insert.run(project.id, project.name, project.createdAt);
  } finally {
    database.close();
  }
}

export function requiredColumns(path: string): ReadonlyMap<string, readonly string[]> {
  const database = new DatabaseSync(path);
  try {
    return new Map(
      LOGGED_TABLES.map(({ name }) => {
        const columns = database.prepare('select name, "notnull" as required from pragma_table_info(?)').all(name);
        const required = columns.filter((column) => column.required === 1).map((column) => String(column.name));
        return [name, required.filter((column) => column !== "project_id")] as const;
      }),
    );
  } finally {
    database.close();
  }
}

/** Every definition, in the order they were made; `null` when it cannot be read. */
export function schemaOf(path: string): string | null {
  try {
    const database = new DatabaseSync(path);
    try {
      const found = database.prepare("select sql, rootpage from sqlite_schema order by rowid").all();
      return JSON.stringify(found);
    } finally {
      database.close();
    }
  } catch {
    // Damaged.
    return null;
  }
}

/** A program before this one made them so. */
const PAGE_SIZES = [PAGE_BYTES, 4_096];
const HEADER_BYTES = 100;

/** How large the pages of a damaged database are, or may be. */
export function pageSizesOf(path: string): readonly number[] {
  const file = readFileSync(path);
  const said = file.length < HEADER_BYTES ? 0 : file.readUInt16BE(16);
  return PAGE_SIZES.includes(said) ? [said] : PAGE_SIZES;
}
const INTERIOR_TABLE_PAGE = 5;

/** Puts the pages that say where everything is, as a fresh database has them, into the damaged file at `path`. */
export function overlayFreshSchema(path: string, freshPath: string): void {
  const fresh = readFileSync(freshPath);
  const damaged = readFileSync(path);
  const pageBytes = fresh.readUInt16BE(16);
  for (const page of schemaPages(fresh, pageBytes)) {
    const from = (page - 1) * pageBytes;
    if (from + pageBytes <= damaged.length) fresh.copy(damaged, from, from, from + pageBytes);
  }
  const pageCount = Math.floor(damaged.length / pageBytes);
  damaged.writeUInt32BE(pageCount, 28);
  // No list of free pages: what was on it is not missed.
  damaged.writeUInt32BE(0, 32);
  damaged.writeUInt32BE(0, 36);
  damaged.writeUInt32BE(damaged.readUInt32BE(24), 92);
  writeFileSync(path, damaged.subarray(0, pageCount * pageBytes));
}

/** Of the table that names all others, which begins on the first page. */
function schemaPages(file: Buffer, pageBytes: number): readonly number[] {
  const pages: number[] = [];
  const visit = (page: number): void => {
    pages.push(page);
    const start = (page - 1) * pageBytes;
    const head = start + (page === 1 ? HEADER_BYTES : 0);
    if (file[head] !== INTERIOR_TABLE_PAGE) return;
    const cells = file.readUInt16BE(head + 3);
    for (let cell = 0; cell < cells; cell++) {
      visit(file.readUInt32BE(start + file.readUInt16BE(head + 12 + 2 * cell)));
    }
    visit(file.readUInt32BE(head + 8));
  };
  visit(1);
  return pages;
}
