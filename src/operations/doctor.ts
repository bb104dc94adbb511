/** Looks whether everything a project needs is in order. */

import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";

import * as v from "valibot";

import { isPerdureError, messageOf } from "../base/errors.ts";
import { findLogBeginning } from "../store/commands/cleanup-log.ts";
import { countProject } from "../store/commands/project-counts.ts";
import { listAllProcesses } from "../store/commands/processes.ts";
import { listSessions } from "../store/commands/session-queries.ts";
import { listWorkers } from "../store/commands/workers.ts";
import type { StoreInspection } from "../store/port.ts";
import {
  checkArtifacts,
  checkCheckpoints,
  checkDeep,
  checkJournal,
  checkLeftovers,
  checkStateFiles,
  checkWorkspace,
} from "./doctor-copies.ts";
import { checkReplication } from "./doctor-replication.ts";
import type { HealthCheck } from "./health-check.ts";
import { checkNode, healthSchema, toHealth } from "./health-check.ts";
import { isDead } from "../engine/take-over.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";

export const doctor = defineOperation({
  name: "doctor",
  summary: "Checks the program, the project, its configuration, store, workers and disk.",
  input: v.object({
    /** Also plays the whole log and reads every artifact. */
    deep: v.optional(v.boolean(), false),
  }),
  output: healthSchema,
  async run(context, { deep }) {
    // First, as long as this process has not opened the store.
    const copies = deep ? [await orFailure("copies", checkDeep(context))] : [];
    const inspection = (await context.store.inspect?.()) ?? null;
    return toHealth([
      checkNode(process.versions.node),
      await checkDirectory(context),
      checkConfiguration(context),
      checkStore(inspection),
      ...copies,
      await orFailure("contents", checkContents(context)),
      await orFailure("sessions", checkSessions(context)),
      await orFailure("workers", checkWorkers(context)),
      await orFailure("orphans", checkOrphans(context)),
      await orFailure("journal", checkJournal(context)),
      await checkStateFiles(context),
      ...(await checkReplication(context)),
      await orFailure("checkpoints", checkCheckpoints(context)),
      await orFailure("workspace", checkWorkspace(context)),
      ...(deep ? [await orFailure("artifacts", checkArtifacts(context))] : []),
      await checkLeftovers(context),
      await checkDisk(inspection?.location ?? context.projectDir),
    ]);
  },
});

/** A store that is damaged may fail any of the checks that read it, and the others are wanted all the same. */
async function orFailure(name: string, check: Promise<HealthCheck>): Promise<HealthCheck> {
  try {
    return await check;
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    return { name, ok: false, message: error.message, ...(error.hint === null ? {} : { hint: error.hint }) };
  }
}

async function checkDirectory({ projectDir }: OperationContext): Promise<HealthCheck> {
  try {
    await access(join(projectDir, ".perdure"), constants.W_OK);
    return { name: "project", ok: true, message: projectDir };
  } catch (error) {
    return {
      name: "project",
      ok: false,
      message: `${join(projectDir, ".perdure")} cannot be written to: ${messageOf(error)}`,
      hint: "Give this user the right to write there: results and artifacts are kept in it.",
    };
  }
}

/** It was right when the project was opened, or there would be no project. */
function checkConfiguration({ config }: OperationContext): HealthCheck {
  const message = config.file === null ? "no perdure.yaml: the defaults hold" : `${config.file} is right`;
  return { name: "config", ok: true, message };
}

function checkStore(inspection: StoreInspection | null): HealthCheck {
  if (inspection === null) {
    return { name: "store", ok: "warning", message: "this kind of store cannot be looked through" };
  }
  const { location, schemaVersion, problems } = inspection;
  if (problems.length === 0)
    return { name: "store", ok: true, message: `${location}, schema version ${schemaVersion}` };
  return {
    name: "store",
    ok: false,
    message: `${location} is damaged: ${problems.slice(0, 3).join("; ")}`,
    hint: "Stop what uses it and run `perdure repair`; it keeps the damaged files.",
  };
}

async function checkContents({ store }: OperationContext): Promise<HealthCheck> {
  const { sessions, tasks, executions, changes } = await store.execute(countProject, null);
  const total = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  const beginning = await store.execute(findLogBeginning, null);
  const cut = beginning === 0 ? "" : ` (the log begins after change ${beginning}; its mirror holds those before)`;
  const message = `${total(sessions)} sessions, ${total(tasks)} tasks, ${executions} executions, ${changes} changes${cut}`;
  return { name: "contents", ok: true, message };
}

async function checkSessions({ store }: OperationContext): Promise<HealthCheck> {
  const statuses = ["created", "active", "paused", "failed"] as const;
  const { sessions, next } = await store.execute(listSessions, { statuses, before: null, limit: 5 });
  if (sessions.length === 0) return { name: "sessions", ok: true, message: "no unfinished session" };
  const named = sessions.map(({ name, status }) => `${name} (${status})`).join(", ");
  return { name: "sessions", ok: true, message: `unfinished: ${named}${next === null ? "" : " and more"}` };
}

async function checkWorkers(context: OperationContext): Promise<HealthCheck> {
  const workers = await context.store.execute(listWorkers, null);
  const now = context.clock.now();
  const gone = workers.filter((worker) => isDead(context, worker) || worker.leaseExpiresAt <= now);
  const message = `${workers.length - gone.length} alive, ${gone.length} gone`;
  if (gone.length === 0) return { name: "workers", ok: true, message };
  return {
    name: "workers",
    ok: "warning",
    message: `${message}: ${gone.map(({ label }) => label).join(", ")}`,
    hint: "`perdure resume` takes over what they left.",
  };
}

/** Commands that outlived the Perdure that started them. */
async function checkOrphans({ store, host }: OperationContext): Promise<HealthCheck> {
  const processes = await store.execute(listAllProcesses, null);
  const orphans = processes.filter(
    (process) => !process.isHeld && process.host === host.id && host.startTokenOf(process.pid) === process.startToken,
  );
  if (orphans.length === 0) return { name: "orphans", ok: true, message: "no command outlived its worker" };
  return {
    name: "orphans",
    ok: "warning",
    message: `${orphans.length} commands outlived their workers: processes ${orphans.map(({ pid }) => pid).join(", ")}`,
    hint: "`perdure resume` ends them before their tasks run again.",
  };
}

const MIB = 1 << 20;
const LITTLE_BYTES = 256 * MIB;
const TOO_LITTLE_BYTES = 16 * MIB;

/** Where the store lies; a database in memory is as good as the current directory. */
async function checkDisk(location: string): Promise<HealthCheck> {
  if (location.includes("://")) return { name: "disk", ok: true, message: "the store is on a server" };
  try {
    const { bavail, bsize } = await statfs(dirname(location));
    const freeBytes = bavail * bsize;
    const message = `${Math.floor(freeBytes / MIB)} MiB free`;
    if (freeBytes >= LITTLE_BYTES) return { name: "disk", ok: true, message };
    const hint = "Free some space; a full disk stops all work, and what was recorded stays.";
    return { name: "disk", ok: freeBytes < TOO_LITTLE_BYTES ? false : "warning", message, hint };
  } catch (error) {
    return { name: "disk", ok: "warning", message: `the free space cannot be told: ${messageOf(error)}` };
  }
}
