/** Reading every copy of a store into one account of it: what is there, what is proven, what the copies make together. */

import { existsSync, statSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";

import { PerdureError } from "../base/errors.ts";
import { refuseNewer, SCHEMA_VERSION } from "../store/sqlite/migrations.ts";
import { openDatabase } from "../store/sqlite/open-database.ts";
import { DatabaseSync } from "node:sqlite";
import { makeFreshDatabase, overlayFreshSchema, pageSizesOf, schemaOf } from "./fresh-database.ts";
import type { MirrorCopy } from "./mirror-copy.ts";
import { readMirror } from "./mirror-copy.ts";
import type { Known, ProjectRow, Salvage } from "./salvage.ts";
import { openSalvage } from "./salvage.ts";

export interface Copies {
  readonly salvage: Salvage | null;
  readonly mirror: MirrorCopy;
  readonly project: ProjectRow;
  /** What is wrong with the database as a file. */
  readonly databaseProblems: readonly string[];
  /** The copy that was read, and is whole as far as SQLite can tell. */
  readonly copyPath: string;
}

interface ExamineInput {
  /** `null` when the journal is the store. */
  readonly storePath: string | null;
  /** `null` for a store without a journal. */
  readonly journalDirectory: string | null;
  /** Where copies may be made. */
  readonly workDirectory: string;
  /** For a journal whose headers are lost, when there is nothing else either. */
  readonly newProjectId: () => string;
  readonly projectName: string;
}

const NO_MIRROR: MirrorCopy = {
  exists: false,
  header: null,
  changes: new Map(),
  ends: new Set(),
  blobs: new Map(),
  files: new Set(),
  damaged: [],
  isTorn: false,
};

/** @throws PerdureError `store-damaged` when nothing can be read at all, `store-too-new`, `conflict` when the copies are of two projects */
export async function examine({
  storePath,
  journalDirectory,
  workDirectory,
  newProjectId,
  projectName,
}: ExamineInput): Promise<Copies> {
  const mirror = journalDirectory === null ? NO_MIRROR : await readMirror(journalDirectory);
  const freshPath = join(workDirectory, "fresh.db");
  makeFreshDatabase(freshPath, null);
  const copyPath = join(workDirectory, "copy.db");
  const known = knownTo(mirror);
  const { salvage, problems } =
    storePath === null ? { salvage: null, problems: [] } : await salvageCopy({ storePath, copyPath, freshPath, known });
  const stored = salvage?.project ?? null;
  const { header } = mirror;
  const told =
    header === null ? null : { id: header.projectId, name: header.projectName, createdAt: header.projectCreatedAt };
  const place = storePath ?? journalDirectory ?? workDirectory;
  if (stored !== null && told !== null && stored.id !== told.id) {
    const isJournalWhole = mirror.damaged.length === 0 && mirror.changes.size > 0;
    if (!isJournalWhole || (salvage?.changes.size ?? 0) > 0) throw twoProjects(place, journalDirectory ?? "");
  }
  const project = told ?? stored ?? newProject(mirror, { newProjectId, projectName });
  if (project === null) throw nothingLeft(place);
  const isNew = told === null && stored === null;
  const databaseProblems = isNew ? [...problems, "which project it is of is lost, so it has a new id"] : problems;
  return { salvage, mirror, project, databaseProblems, copyPath };
}

/** `null` when there are no changes to be of a project. */
function newProject(
  { changes }: MirrorCopy,
  { newProjectId, projectName }: Pick<ExamineInput, "newProjectId" | "projectName">,
): ProjectRow | null {
  const [first] = changes.values();
  return first === undefined ? null : { id: newProjectId(), name: projectName, createdAt: first.at };
}

function knownTo(mirror: MirrorCopy): Known {
  const keys = new Map<string, Set<string>>();
  for (const { entity, rowKey } of mirror.changes.values()) {
    const known = keys.get(entity) ?? new Set();
    known.add(rowKey);
    keys.set(entity, known);
  }
  return { changes: mirror.changes, keys };
}

interface SalvageInput {
  readonly storePath: string;
  readonly copyPath: string;
  readonly freshPath: string;
  readonly known: Known;
}

async function salvageCopy(
  input: SalvageInput,
): Promise<{ readonly salvage: Salvage | null; readonly problems: readonly string[] }> {
  const { storePath, copyPath, freshPath, known } = input;
  if (!existsSync(storePath)) return { salvage: null, problems: [`${storePath} is missing`] };
  if (statSync(storePath).size === 0) return { salvage: null, problems: [`${storePath} is empty`] };
  await copyStore(storePath, copyPath);
  const problems = refuseOthers(copyPath, storePath, freshPath);
  const salvage = openSalvage(copyPath, known);
  if (salvage !== null && problems.length === 0) return { salvage, problems: salvage.problems };
  // Its first pages are damaged. Those of a new database say where everything lies as well.
  salvage?.close();
  const overlay = async (pageBytes: number): Promise<Salvage | null> => {
    await copyStore(storePath, copyPath);
    const layoutPath = `${freshPath}-${pageBytes}`;
    if (!existsSync(layoutPath)) makeFreshDatabase(layoutPath, null, pageBytes);
    overlayFreshSchema(copyPath, layoutPath);
    return openSalvage(copyPath, known);
  };
  let best: { readonly pageBytes: number; readonly changes: number } | null = null;
  for (const pageBytes of pageSizesOf(storePath)) {
    const overlaid = await overlay(pageBytes);
    const changes = overlaid?.changes.size ?? -1;
    overlaid?.close();
    if (changes >= (salvage?.changes.size ?? 0) && changes > (best?.changes ?? -1)) best = { pageBytes, changes };
  }
  const overlaid = best === null ? null : await overlay(best.pageBytes);
  if (overlaid !== null) {
    return { salvage: overlaid, problems: [...problems, "its first pages are damaged", ...overlaid.problems] };
  }
  if (salvage === null) return { salvage: null, problems: [...problems, "it cannot be read at all"] };
  await copyStore(storePath, copyPath);
  return { salvage: openSalvage(copyPath, known), problems: [...problems, ...salvage.problems] };
}

/** With its write-ahead log, so that looking at it changes nothing. */
async function copyStore(storePath: string, copyPath: string): Promise<void> {
  await copyFile(storePath, copyPath);
  if (existsSync(`${storePath}-wal`)) await copyFile(`${storePath}-wal`, `${copyPath}-wal`);
}

/** What is wrong with how it is laid out. @throws PerdureError for a database of a newer program, or of another one */
function refuseOthers(copyPath: string, storePath: string, freshPath: string): readonly string[] {
  const schema = schemaOf(copyPath);
  if (schema === null) return ["its list of tables cannot be read"];
  const isOurs = schema === schemaOf(freshPath);
  const version = versionOf(copyPath);
  if (isOurs) return version === SCHEMA_VERSION ? [] : [`its schema version says ${version}`];
  if (!schema.includes("create table changes")) {
    return schema.includes("create table") && version === 0 ? foreign(storePath) : ["its list of tables is damaged"];
  }
  if (version > SCHEMA_VERSION && version < 1_000) refuseNewer(version, storePath);
  try {
    openDatabase({ path: copyPath, durability: "normal", busyTimeoutMs: 1_000 }).close();
    return [];
  } catch {
    // It is older and cannot be brought up to date as it is.
    return ["its list of tables is damaged"];
  }
}

function versionOf(path: string): number {
  const database = new DatabaseSync(path);
  try {
    return Number(database.prepare("pragma user_version").get()?.user_version);
  } finally {
    database.close();
  }
}

function foreign(storePath: string): never {
  throw new PerdureError("store-damaged", {
    message: `${storePath} is a database, but not one of Perdure's`,
    hint: "Name another file with --store, or leave it out; nothing was changed.",
    details: { path: storePath },
  });
}

function nothingLeft(storePath: string): PerdureError {
  return new PerdureError("store-damaged", {
    message: `Neither ${storePath} nor its journal holds anything that can be read`,
    hint: "Put back a copy of .perdure/ if there is one. To begin anew, move .perdure/ away; nothing was changed.",
    details: { path: storePath },
  });
}

function twoProjects(storePath: string, journalDirectory: string): PerdureError {
  return new PerdureError("conflict", {
    message: `${storePath} and the journal in ${journalDirectory} are of two different projects`,
    hint: "Move away the one that does not belong here and run `perdure repair` again; nothing was changed.",
    details: { path: storePath, journalDirectory },
  });
}
