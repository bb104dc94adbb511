/**
 * Removes what nobody needs any more, by the rules of `retention` in perdure.yaml. What a brief, a status, a checkpoint or
 * a rebuild goes by is never among it. Goes in small batches, each whole or not at all, so it may run beside any work and
 * be killed at any moment: the next one goes on.
 */

import * as v from "valibot";

import { isPerdureError } from "../base/errors.ts";
import { asId } from "../domain/ids.ts";
import type { Removable, RowRule } from "../store/commands/cleanup-rows.ts";
import { findRemovableRows, removeRows } from "../store/commands/cleanup-rows.ts";
import {
  beginTrim,
  findLogBeginning,
  findTrimPoint,
  listBlobs,
  recordCleanup,
  removeBlobs,
  trimChanges,
} from "../store/commands/cleanup-log.ts";
import { forgetEndedStarts } from "../store/commands/limit-places.ts";
import { findIdleWorkers, forgetIdleWorkers, listWorkers } from "../store/commands/workers.ts";
import { findOldDamaged, findOrphanedHistories, removeFile } from "./cleanup/old-files.ts";
import type { OldFile } from "./cleanup/old-files.ts";
import type { InUse } from "./cleanup/references.ts";
import { findFilesInUse, findInUse, isReferredToSince, lookOn } from "./cleanup/references.ts";
import { deletePieces } from "./session-delete.ts";
import { isDead } from "../engine/take-over.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";

const BATCH_ROWS = 50;
const BATCH_CHANGES = 2_000;
const BATCH_BLOBS = 200;
/** A dry run counts no further. */
const MOST_TOLD = 100_000;
/** Of each kind, the first are named. */
const NAMED = 20;
/** A writer puts an artifact's file before the row that names it. */
const SETTLED_MS = 3_600_000;

const removedSchema = v.object({
  count: v.number(),
  /** Of files and blobs. */
  sizeBytes: v.nullable(v.number()),
  /** The first of them, by id, hash, path or label. */
  items: v.array(v.string()),
});

export const cleanup = defineOperation({
  name: "cleanup",
  summary: "Removes what is older than perdure.yaml keeps it, and what nothing refers to any more.",
  input: v.object({
    /** Only tell what would be removed. What the removed alone refers to is not counted then. */
    dryRun: v.optional(v.boolean(), false),
  }),
  output: v.object({
    dryRun: v.boolean(),
    removed: v.object({
      executions: removedSchema,
      checkpoints: removedSchema,
      sessions: removedSchema,
      changes: removedSchema,
      blobs: removedSchema,
      artifacts: removedSchema,
      snapshots: removedSchema,
      histories: removedSchema,
      damaged: removedSchema,
      workers: removedSchema,
    }),
    /** Why something was left that could have gone. */
    notices: v.array(v.string()),
  }),
  async run(context, { dryRun }) {
    const notices: string[] = [];
    const job = { context, dryRun, notices };
    // Rows before the log, the log before what only it refers to.
    const ofStore = {
      executions: await cleanRows(job, "executions"),
      checkpoints: await cleanRows(job, "checkpoints"),
      sessions: await cleanRows(job, "sessions"),
      changes: await cleanLog(job),
    };
    const inUse = await findInUse(context);
    const removed = {
      ...ofStore,
      blobs: await cleanBlobs(job, inUse),
      ...(await cleanFilesBeside(job, inUse)),
      workers: await cleanWorkers(job),
    };
    const counts = Object.entries(removed).flatMap(([kind, { count }]) =>
      count === 0 ? [] : [[kind, count] as const],
    );
    if (!dryRun) await context.store.execute(forgetEndedStarts, null);
    if (!dryRun) await context.store.execute(recordCleanup, { removed: Object.fromEntries(counts) });
    return { dryRun, removed, notices };
  },
});

interface Tally {
  count: number;
  sizeBytes: number | null;
  items: string[];
}

interface Job {
  readonly context: OperationContext;
  readonly dryRun: boolean;
  readonly notices: string[];
}

function emptyTally(sizeBytes: number | null): Tally {
  return { count: 0, sizeBytes, items: [] };
}

function add(tally: Tally, item: string, sizeBytes = 0): void {
  tally.count += 1;
  if (tally.sizeBytes !== null) tally.sizeBytes += sizeBytes;
  if (tally.items.length < NAMED) tally.items.push(item);
}

async function cleanRows({ context, dryRun }: Job, kind: RowRule["kind"]): Promise<Tally> {
  const tally = emptyTally(null);
  const { retention } = context.config;
  const ages = {
    executions: retention.executionsMs,
    checkpoints: retention.checkpointsMs,
    sessions: retention.sessionsMs,
  };
  const age = ages[kind];
  if (age === null) return tally;
  const keep = kind === "executions" ? retention.executions : retention.checkpoints;
  const rule = { kind, keep, before: context.clock.now() - age };
  const told = (removed: readonly Removable[]): void => {
    for (const { id, label } of removed) add(tally, `${id} (${label})`);
  };
  if (dryRun) told(await context.store.execute(findRemovableRows, { ...rule, limit: MOST_TOLD }));
  // A session goes piece by piece, so one at a time.
  const limit = kind === "sessions" ? 1 : BATCH_ROWS;
  for (let isMore = !dryRun; isMore;) {
    const removed = await context.store.execute(removeRows, { ...rule, limit });
    if (kind === "sessions") for (const { id } of removed) await deletePieces(context, asId(id));
    told(removed);
    isMore = removed.length > 0;
  }
  return tally;
}

async function cleanLog({ context, dryRun, notices }: Job): Promise<Tally> {
  const tally = emptyTally(null);
  const { logMs } = context.config.retention;
  if (logMs === null) return tally;
  const mirroredSeq = (await context.logMirror?.mirroredSeq()) ?? null;
  if (mirroredSeq === null) {
    notices.push("The change log stays whole: no mirror of it is known to hold what would go.");
    return tally;
  }
  // A store that was restored has the whole log again, and its mirror may not be that far yet.
  if (mirroredSeq < (await context.store.execute(findLogBeginning, null))) {
    notices.push("The change log stays whole: its mirror does not hold what was cut off before.");
    return tally;
  }
  const rule = { before: context.clock.now() - logMs, mirroredSeq };
  const { through, count } = await context.store.execute(findTrimPoint, rule);
  if (through !== null) tally.items.push(`up to change ${through}`);
  tally.count = count;
  if (dryRun) return tally;
  tally.count = 0;
  await context.store.execute(beginTrim, rule);
  for (;;) {
    const gone = await context.store.execute(trimChanges, { limit: BATCH_CHANGES });
    if (gone === 0) return tally;
    tally.count += gone;
  }
}

async function cleanBlobs({ context, dryRun }: Job, known: InUse): Promise<Tally> {
  const tally = emptyTally(0);
  let inUse = known;
  let after: string | null = "";
  while (after !== null) {
    const page: Awaited<ReturnType<typeof readBlobs>> = await readBlobs(context, after);
    inUse = await lookOn(context, inUse);
    const unused = page.blobs.filter(({ hash }) => !inUse.hashes.has(hash));
    const hashes = unused.map(({ hash }) => hash);
    const gone = dryRun ? hashes : await context.store.execute(removeBlobs, { hashes, lookedThrough: inUse.through });
    for (const { hash, sizeBytes } of unused) if (gone.includes(hash)) add(tally, hash, sizeBytes);
    after = page.next;
  }
  return tally;
}

function readBlobs({ store }: OperationContext, after: string) {
  return store.execute(listBlobs, { after, limit: BATCH_BLOBS });
}

/** What belongs to the store the project keeps: another one that is used in its directory does not know what that needs. */
async function cleanFilesBeside(job: Job, inUse: InUse) {
  const { context, notices } = job;
  if (context.isOwnStore === false) {
    notices.push("The files in .perdure stay: they may belong to the store that the project keeps there.");
    const none = emptyTally(0);
    const artifacts = context.artifactFiles.isInStore ? await cleanArtifacts(job, inUse) : none;
    return { artifacts, snapshots: emptyTally(null), histories: none, damaged: none };
  }
  return {
    artifacts: await cleanArtifacts(job, inUse),
    snapshots: await cleanSnapshots(job),
    histories: await cleanFiles(job, await findOrphanedHistories(context)),
    damaged: await cleanFiles(job, await findOldDamaged(context)),
  };
}

async function cleanArtifacts({ context, dryRun, notices }: Job, known: InUse): Promise<Tally> {
  const tally = emptyTally(0);
  const found = await findFilesInUse(context, known);
  if (found === null) {
    notices.push("Artifact files stay: the log was cut off, and its mirror does not say which of them it refers to.");
    return tally;
  }
  const before = context.clock.now() - SETTLED_MS;
  let inUse = found;
  for await (const files of context.artifactFiles.list()) {
    inUse = await lookOn(context, inUse);
    for (const { hash, sizeBytes, putAt } of files) {
      if (putAt >= before || inUse.hashes.has(hash) || inUse.mirroredFiles.has(hash)) continue;
      const { through } = inUse;
      const isNeeded = (): Promise<boolean> => isReferredToSince(context, hash, through);
      const rule = { before, lookedThrough: through, isNeeded };
      const isGone = dryRun ? !(await isNeeded()) : await context.artifactFiles.removeUnused(hash, rule);
      if (isGone) add(tally, hash, sizeBytes);
    }
  }
  return tally;
}

/** Of checkpoints that went here, were thinned out, or went with their session. */
async function cleanSnapshots({ context, dryRun, notices }: Job): Promise<Tally> {
  const tally = emptyTally(null);
  const { forgetSnapshots } = await import("./workspace-of.ts");
  try {
    for (const commit of await forgetSnapshots(context, { isDryRun: dryRun })) add(tally, commit);
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    notices.push(`Snapshots of the workspace stay: ${error.message}`);
  }
  return tally;
}

async function cleanFiles({ context, dryRun }: Job, files: readonly OldFile[]): Promise<Tally> {
  const tally = emptyTally(0);
  for (const file of files) {
    if (!dryRun) await removeFile(context, file);
    add(tally, file.path, file.sizeBytes);
  }
  return tally;
}

async function cleanWorkers({ context, dryRun }: Job): Promise<Tally> {
  const tally = emptyTally(null);
  const workers = await context.store.execute(listWorkers, null);
  const dead = workers.filter((worker) => isDead(context, worker)).map(({ id }) => id);
  for (const label of await context.store.execute(dryRun ? findIdleWorkers : forgetIdleWorkers, { dead }))
    add(tally, label);
  return tally;
}
