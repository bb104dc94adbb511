/** The store that the copies make together: the log made to add up, and played into a new database. */

import { rm } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";

import type { Clock } from "../base/clock.ts";
import { assert } from "../base/assert.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Store } from "../store/port.ts";
import type { RawChange } from "../store/rebuild.ts";
import type { Row } from "../store/command.ts";
import { rowKeyText } from "../store/rows.ts";
import { LOGGED_TABLES } from "../store/tables.ts";
import type { LostValue } from "./build.ts";
import { buildStore } from "./build.ts";
import { copyCoordination } from "./coordination.ts";
import type { Copies } from "./examine.ts";
import { makeFreshDatabase, requiredColumns } from "./fresh-database.ts";
import type { MergedLog } from "./merge.ts";
import type { Reconciled } from "./reconcile.ts";
import { reconcile } from "./reconcile.ts";
import type { SalvagedTable } from "./salvage.ts";

export interface Rebuilt {
  readonly reconciled: Reconciled;
  readonly lostValues: readonly LostValue[];
  /** Changes that had to be taken out. */
  readonly misfits: readonly RawChange[];
}

interface RebuildDeps {
  readonly clock: Clock;
  readonly artifactFiles: ArtifactFiles;
  readonly openStore: (path: string) => Store;
}

interface RebuildInput {
  readonly copies: Copies;
  readonly merged: MergedLog;
  /** Of the database that is made. */
  readonly newPath: string;
}

/** Changes taken out before this gives up. */
const ROUNDS = 200;
/** Changes of one row taken out before the row is given up. */
const ROW_ROUNDS = 3;

export async function rebuild(deps: RebuildDeps, { copies, merged, newPath }: RebuildInput): Promise<Rebuilt> {
  const changes = new Map(merged.changes);
  const isTailLost = copies.salvage?.isTailWhole === false;
  const hopeless = new Set<string>();
  const abandoned = new Set<string>();
  const misfits: RawChange[] = [];
  const failures = new Map<string, number>();
  const takeOut = (change: RawChange): void => {
    const row = `${change.entity} ${change.rowKey}`;
    const count = (failures.get(row) ?? 0) + 1;
    failures.set(row, count);
    if (hopeless.has(row)) abandoned.add(row);
    if (count > ROW_ROUNDS || !changes.delete(change.seq)) hopeless.add(row);
    else misfits.push(change);
  };
  for (let round = 0; round < ROUNDS; round++) {
    await removeDatabase(newPath);
    makeFreshDatabase(newPath, copies.project);
    const reconciled = reconcile({
      changes,
      tables: copies.salvage?.tables ?? new Map<string, SalvagedTable>(),
      // Where the end of its log cannot be read, the rows are at least as new as all that is known: the journal follows them.
      tablesSeq: newestSeq((isTailLost ? changes : (copies.salvage?.changes ?? changes)).keys()),
      isTailLost,
      prunedTo: merged.prunedTo,
      isProven: merged.isProven,
      required: requiredColumns(newPath),
      hopeless,
      abandoned,
      at: deps.clock.now(),
    });
    const lostRows = new Set(reconciled.lostRows.map(({ entity, rowKey }) => `${entity} ${rowKey}`));
    const stray = reconciled.dropped.filter(({ entity, rowKey }) => !lostRows.has(`${entity} ${rowKey}`));
    if (stray.length > 0) {
      for (const change of stray) takeOut(change);
      continue;
    }
    const built = await build(deps, { reconciled, copies, newPath });
    if (built.kind === "built") {
      copyCoordination(copies.salvage, newPath);
      return { reconciled, lostValues: built.lostValues, misfits };
    }
    const misfit = reconciled.changes.find(({ seq }) => seq === built.seq);
    assert(misfit !== undefined, "a change that does not fit is one of those that were made");
    takeOut(misfit);
  }
  throw new Error(`what is left of the store cannot be made to fit together in ${ROUNDS} attempts`);
}

async function build(
  { openStore, artifactFiles }: RebuildDeps,
  {
    reconciled,
    copies,
    newPath,
  }: { readonly reconciled: Reconciled; readonly copies: Copies; readonly newPath: string },
) {
  const findBlob = async (hash: string): Promise<string | null> => {
    const near = copies.mirror.blobs.get(hash) ?? copies.salvage?.blob(hash) ?? null;
    if (near !== null) return near;
    // Large values are kept as files too; one that is missing or damaged there is no copy.
    return await artifactFiles.read(hash).then(
      (bytes) => bytes.toString("utf8"),
      () => null,
    );
  };
  const store = openStore(newPath);
  try {
    return await buildStore(store, { changes: reconciled.changes, findBlob });
  } finally {
    await store.close();
  }
}

function newestSeq(seqs: Iterable<number>): number {
  let newest = 0;
  for (const seq of seqs) if (seq > newest) newest = seq;
  return newest;
}

async function removeDatabase(path: string): Promise<void> {
  for (const end of ["", "-wal", "-shm"]) await rm(path + end, { force: true });
}

/** Rows that `tables` has and the database has not, in words. */
export function rowsNotIn(path: string, tables: ReadonlyMap<string, SalvagedTable>): readonly string[] {
  const database = new DatabaseSync(path);
  try {
    return LOGGED_TABLES.flatMap((table) => {
      const sql = `select ${table.key.join(", ")} from ${table.name}`;
      const present = new Set(
        database
          .prepare(sql)
          .all()
          .map((row) => rowKeyText(table, row as Row)),
      );
      const keys = [...(tables.get(table.name)?.rows.keys() ?? [])];
      return keys.filter((key) => !present.has(key)).map((key) => `${table.name} ${key}`);
    });
  } finally {
    database.close();
  }
}
