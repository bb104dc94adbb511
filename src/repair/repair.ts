/**
 * Repairing a store from its copies: the tables, the change log in the database, the journal's files, and values kept as
 * files. What they make together is built anew beside the store, compared with it, and put in its place if it differs.
 * Until the swap is written down nothing of the project is changed, and what is replaced is copied first.
 */

import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { ClockDep } from "../base/clock.ts";
import { syncDirectory } from "../base/atomic-file.ts";
import { PerdureError } from "../base/errors.ts";
import { useAlone } from "../base/use-lock.ts";
import type { RandomDep } from "../base/random.ts";
import type { RawChange } from "../store/rebuild.ts";
import { findFileDamage } from "./value-copies.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Store } from "../store/port.ts";
import { JOURNAL_DIRECTORY } from "../trail/journal-files.ts";
import { journalMirror } from "../trail/journal-mirror.ts";
import { stateFiles } from "../trail/state-files.ts";
import { compressClosedMonths } from "../trail/journal-closing.ts";
import { compareDatabases } from "./compare.ts";
import type { Copies } from "./examine.ts";
import { examine } from "./examine.ts";
import { keepDamaged } from "./keep-damaged.ts";
import type { MergedLog } from "./merge.ts";
import { mergeLogs } from "./merge.ts";
import { rebuild, rowsNotIn } from "./rebuild.ts";
import type { Reconciled } from "./reconcile.ts";
import type { RepairOptions, RepairReport } from "./report.ts";
import { rangesOf } from "./seq-ranges.ts";
import { damagedStateFiles, differingFiles, unreadableOf } from "./state-file-check.ts";
import type { Replacement } from "./swap.ts";
import { beginSwap, finishSwap, REPAIR_DIRECTORY, syncFile } from "./swap.ts";
import { lostRowName } from "./lost-row-name.ts";

export interface RepairDeps extends ClockDep, RandomDep {
  /** Holds the journal, and a repair's own directories. */
  readonly directory: string;
  /** `.perdure` of the project, for the files that tell where the work stands; `null` when they are not of this store. */
  readonly stateDirectory: string | null;
  /** For one whose own name is lost. */
  readonly projectName: string;
  /** `null` when the journal is the store. */
  readonly storePath: string | null;
  /** Of `base/use-lock.ts`: held by everyone who has the store open. */
  readonly useLockPath: string;
  /** Whether the journal in `directory` is this store's. */
  readonly hasJournal: boolean;
  readonly artifactFiles: ArtifactFiles;
  readonly artifactDirectory: string;
  /** Files of JSON that are no part of the log and may be deleted when they are damaged. */
  readonly disposable: readonly string[];
  /** Opens a SQLite store that is there. */
  readonly openStore: (path: string) => Store;
}

/**
 * @throws PerdureError `conflict` while other processes use the store; `store-damaged` when nothing can be read, or when
 * something that can be read now would be gone and that was not allowed; nothing was changed then
 */
export async function repairStore(deps: RepairDeps, options: RepairOptions): Promise<RepairReport> {
  const use = useAlone(deps.useLockPath);
  if (use === null) throw inUse(deps.storePath ?? deps.directory);
  const perdureDir = deps.directory;
  const workDirectory = join(perdureDir, REPAIR_DIRECTORY);
  try {
    const finishedEarlier = await finishSwap(perdureDir);
    await rm(workDirectory, { recursive: true, force: true });
    await mkdir(workDirectory, { recursive: true });
    return { ...(await repairAlone(deps, options, { perdureDir, workDirectory })), finishedEarlier };
  } finally {
    // A swap that is pending is finished by whoever comes next.
    if (!existsSync(join(workDirectory, "swap.json"))) await rm(workDirectory, { recursive: true, force: true });
    use.end();
  }
}

interface Places {
  readonly perdureDir: string;
  readonly workDirectory: string;
}

async function repairAlone(
  deps: RepairDeps,
  options: RepairOptions,
  places: Places,
): Promise<Omit<RepairReport, "finishedEarlier">> {
  const { perdureDir, workDirectory } = places;
  const journalDirectory = join(perdureDir, JOURNAL_DIRECTORY);
  const copies = await examine({
    storePath: deps.storePath,
    journalDirectory: deps.hasJournal ? journalDirectory : null,
    workDirectory,
    newProjectId: () => deps.random.uuid(),
    projectName: deps.projectName,
  });
  try {
    const merged = mergeLogs(copies.salvage, copies.mirror);
    if (merged.divergesAt !== null && !options.mayDiscard) throw diverged(deps, merged.divergesAt);
    const newPath = join(workDirectory, "new.db");
    const { reconciled, lostValues, misfits } = await rebuild(deps, { copies, merged, newPath });
    const { storePath, stateDirectory } = deps;
    const isJournalOnly = storePath === null;
    // What a process that was killed had begun to write was never acknowledged.
    const isTornOnly = isJournalOnly && copies.mirror.damaged.length === 0;
    const databaseDamage = isJournalOnly ? [] : damageOfDatabase(copies, merged, newPath);
    const mirrorDamage = deps.hasJournal ? damageOfMirror(copies, { merged, reconciled, misfits, isTornOnly }) : [];
    if (isJournalOnly) mirrorDamage.push(...copies.databaseProblems.map((what) => `journal: ${what}`));
    const fileDamage = await findFileDamage({
      copies,
      newPath,
      workDirectory,
      directory: deps.artifactDirectory,
      artifactFiles: deps.artifactFiles,
    });
    const rendered = join(workDirectory, "rendered");
    if (stateDirectory !== null) await writeStates(deps.openStore(newPath), rendered);
    const unreadable = [
      ...(stateDirectory === null ? [] : await damagedStateFiles(stateDirectory)),
      ...(await unreadableOf(deps.disposable)),
    ];
    const differing = stateDirectory === null ? [] : await differingFiles(stateDirectory, rendered);
    const stateDamage = [...new Set([...unreadable, ...differing])];
    const isDatabaseReplaced = databaseDamage.length > 0;
    // What was lost in an earlier time and is missing from copies that are whole is no damage of today.
    const isAnythingWrong = isDatabaseReplaced || mirrorDamage.length > 0;
    const replacements: Replacement[] = [...fileDamage.replacements];
    if (isDatabaseReplaced && !isJournalOnly) {
      replacements.push({ by: newPath, path: storePath, alsoRemove: [`${storePath}-wal`, `${storePath}-shm`] });
    }
    const isMirrorReplaced = mirrorDamage.length > 0;
    if (isMirrorReplaced) {
      replacements.push({ by: join(workDirectory, JOURNAL_DIRECTORY), path: journalDirectory, alsoRemove: [] });
    }
    const report = {
      damaged: [
        ...databaseDamage,
        ...mirrorDamage,
        ...fileDamage.damaged,
        ...stateDamage.map((path) => `${path} ${unreadable.includes(path) ? "cannot be read" : STALE}`),
      ],
      recovered: recoveredOf({ copies, merged, reconciled, isDatabaseReplaced }),
      lost: {
        changes: isAnythingWrong ? reconciled.lostSeqs : [],
        dropped: [...(isTornOnly ? [] : merged.tornCommand), ...reconciled.dropped, ...misfits].map(
          ({ seq, verb, entity, rowKey }) => ({
            seq,
            verb,
            entity,
            rowKey,
          }),
        ),
        doubtful: reconciled.doubtful,
        rows: reconciled.lostRows.map((row) => ({ ...row, name: lostRowName(row, merged.changes) })),
        values: lostValues,
        files: fileDamage.lost,
      },
      replaced: [...replacements.map(({ path }) => path), ...stateDamage],
      keptIn: null,
    };
    if (isDatabaseReplaced) refuseLess({ copies, newPath, report, options });
    if (options.isDryRun || report.replaced.length === 0) return report;
    const keptIn = await keepDamaged({
      perdureDir,
      at: deps.clock.now(),
      paths: [...replacements.flatMap(({ path, alsoRemove }) => [path, ...alsoRemove]), ...stateDamage],
      report,
    });
    if (isMirrorReplaced) await writeMirror(deps, { newPath, directory: join(workDirectory, JOURNAL_DIRECTORY) });
    copies.salvage?.close();
    await syncFile(newPath);
    if (replacements.length > 0) {
      await beginSwap(perdureDir, replacements);
      for (const path of stateDamage) await rm(path, { force: true });
      // Before the swap takes the new database away; from here on this is done by whoever works next, too.
      if (stateDirectory !== null) await writeStates(deps.openStore(newPath), stateDirectory);
      await finishSwap(perdureDir);
    } else {
      for (const path of stateDamage) await rm(path, { force: true });
      if (stateDirectory !== null) await writeStates(deps.openStore(newPath), stateDirectory);
    }
    return { ...report, keptIn };
  } finally {
    copies.salvage?.close();
  }
}

function damageOfDatabase(
  { copyPath, databaseProblems, salvage }: Copies,
  merged: MergedLog,
  newPath: string,
): string[] {
  const damage = [...databaseProblems];
  if (salvage === null) return damage;
  const { contradicted, missingInDatabase } = merged;
  if (!salvage.isTailWhole) damage.push("the end of its change log cannot be read");
  if (contradicted.length > 0) damage.push(`${contradicted.length} entries of its change log are damaged`);
  if (missingInDatabase.length > 0) damage.push(`${missingInDatabase.length} entries of its change log are missing`);
  if (damage.length > 0) return damage.map((what) => `database: ${what}`);
  const differences = compareDatabases(copyPath, newPath, merged.prunedTo + 1);
  return differences.map(({ table, rows }) => `database: ${rows} rows of ${table} are not what the change log says`);
}

const STALE = "is not what the store says";

interface MirrorAccount {
  readonly merged: MergedLog;
  readonly reconciled: Reconciled;
  readonly misfits: readonly RawChange[];
  readonly isTornOnly: boolean;
}

function damageOfMirror({ mirror }: Copies, { merged, reconciled, misfits, isTornOnly }: MirrorAccount): string[] {
  if (!mirror.exists) return [];
  const { changes, repaired } = reconciled;
  const damage = mirror.damaged.map(({ file, lineNumber, why }) => `journal: ${file}:${lineNumber}: ${why}`);
  if (merged.missingInMirror.length > 0) damage.push(`journal: ${merged.missingInMirror.length} changes are missing`);
  let newest = 0;
  for (const seq of mirror.changes.keys()) if (seq > newest) newest = seq;
  if (!isTornOnly && newest > (changes.at(-1)?.seq ?? 0)) damage.push("journal: it ends within a command");
  const made = repaired.filter((seq) => seq <= newest).length;
  if (made > 0) damage.push(`journal: ${made} changes are missing`);
  const stray = [...reconciled.dropped, ...misfits].filter(({ seq }) => mirror.changes.has(seq)).length;
  if (stray > 0) damage.push(`journal: ${stray} changes fit nowhere`);
  return damage;
}

function recoveredOf({
  copies: { salvage, mirror },
  merged,
  reconciled,
  isDatabaseReplaced,
}: {
  readonly copies: Copies;
  readonly merged: MergedLog;
  readonly reconciled: Reconciled;
  readonly isDatabaseReplaced: boolean;
}): RepairReport["recovered"] {
  const stored = salvage?.changes ?? new Map<number, never>();
  const contradicted = new Set(merged.contradicted);
  const seqs = reconciled.changes.map(({ seq }) => seq);
  const fromJournal = seqs.filter((seq) => mirror.changes.has(seq) && (!stored.has(seq) || contradicted.has(seq)));
  const fromDatabase =
    mirror.damaged.length === 0 ? [] : seqs.filter((seq) => !mirror.changes.has(seq) && stored.has(seq));
  return {
    changes: seqs.length,
    fromJournal: isDatabaseReplaced ? rangesOf(fromJournal) : [],
    fromDatabase: rangesOf(fromDatabase),
    fromRows: isDatabaseReplaced ? rangesOf([...reconciled.repaired]) : [],
  };
}

/** Refuses to put a store in the place of one that holds rows which it does not. */
function refuseLess({
  copies: { salvage },
  newPath,
  report: { lost },
  options,
}: {
  readonly copies: Copies;
  readonly newPath: string;
  readonly report: Pick<RepairReport, "lost">;
  readonly options: RepairOptions;
}): void {
  // A log of which nothing is missing says what there is, whatever rows damage has made up.
  if (salvage === null || options.mayDiscard || options.isDryRun) return;
  if (lost.changes.length + lost.dropped.length + lost.rows.length === 0) return;
  const gone = rowsNotIn(newPath, salvage.tables);
  if (gone.length === 0) return;
  throw new PerdureError("store-damaged", {
    message: `A repair would lose ${gone.length} rows that can be read now: ${gone.slice(0, 5).join(", ")}`,
    hint: "`perdure repair --discard` goes on without them (the damaged files are kept); nothing was changed.",
    details: { rows: gone.slice(0, 100), count: gone.length },
  });
}

async function writeMirror(
  { openStore, artifactFiles }: RepairDeps,
  { newPath, directory }: { readonly newPath: string; readonly directory: string },
): Promise<void> {
  const store = openStore(newPath);
  try {
    await mkdir(directory, { recursive: true });
    const mirror = journalMirror({ store, directory, artifactFiles });
    let isCaughtUp = false;
    while (!isCaughtUp) ({ isCaughtUp } = await mirror.append(2_000));
    await compressClosedMonths(directory);
    await syncDirectory(directory);
  } finally {
    await store.close();
  }
}

/** Closes the store. */
async function writeStates(store: Store, directory: string): Promise<void> {
  try {
    let isDone = false;
    while (!isDone) isDone = await stateFiles({ store, directory }).update(Number.POSITIVE_INFINITY);
  } finally {
    await store.close();
  }
}

function diverged({ storePath, directory }: RepairDeps, seq: number): PerdureError {
  return new PerdureError("conflict", {
    message: `${storePath ?? directory} and its journal tell different stories from change ${seq} on`,
    hint: "One of them is a copy that went on by itself. To keep the database, move the journal away; `perdure repair --discard` goes by the journal (the database is kept). Nothing was changed.",
    details: { storePath, directory, seq },
  });
}

function inUse(storePath: string): PerdureError {
  return new PerdureError("conflict", {
    message: `Other processes use ${storePath}`,
    hint: "End them (workers, a `perdure run`, a `perdure watch`, programs that have the project open) and run `perdure repair` again.",
    details: { path: storePath },
  });
}
