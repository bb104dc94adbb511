/** Whether the copies of the store are in order: its journal, the files rendered from it, artifacts, workspace snapshots. */

import { existsSync } from "node:fs";
import { join } from "node:path";

import { counted } from "../base/counted.ts";
import { isPerdureError } from "../base/errors.ts";
import { damagedStateFiles } from "../repair/state-file-check.ts";
import { listDamaged } from "../repair/keep-damaged.ts";
import { readMirrorState } from "../repair/mirror-copy.ts";
import { listArtifactHashes } from "../store/commands/artifacts.ts";
import type { CheckpointSeals } from "../store/commands/checkpoint-seals.ts";
import { checkSeals } from "../store/commands/checkpoint-seals.ts";
import { newestSeq } from "../store/commands/changes.ts";
import type { HealthCheck } from "./health-check.ts";
import type { OperationContext } from "./operation.ts";
import { workspaceOf } from "./workspace-of.ts";

const REPAIR = "`perdure repair` puts it right; `perdure repair --dry-run` tells first what it would do.";

export async function checkJournal(context: OperationContext): Promise<HealthCheck> {
  const name = "journal";
  const { damaged, newest, exists } = await readMirrorState(join(context.projectDir, ".perdure", "journal"));
  if (!exists) return { name, ok: true, message: "none yet" };
  if (damaged.length > 0) {
    const [first] = damaged;
    const where = first === undefined ? "" : `, the first in ${first.file}:${first.lineNumber}: ${first.why}`;
    return { name, ok: false, message: `${counted(damaged.length, "damaged line")}${where}`, hint: REPAIR };
  }
  const lag = (await context.store.execute(newestSeq, null)) - newest;
  if (lag < 0) {
    const message = `the store ends ${counted(-lag, "change")} before its journal`;
    return { name, ok: false, message, hint: REPAIR };
  }
  if (lag === 0) return { name, ok: true, message: `up to change ${newest}, as the store` };
  const hint = "The next command that changes something goes on with it.";
  return { name, ok: "warning", message: `${counted(lag, "change")} behind the store`, hint };
}

export async function checkStateFiles({ projectDir }: OperationContext): Promise<HealthCheck> {
  const damaged = await damagedStateFiles(join(projectDir, ".perdure"));
  if (damaged.length === 0) return { name: "files", ok: true, message: "what is rendered from the store can be read" };
  return { name: "files", ok: false, message: `damaged: ${damaged.join(", ")}`, hint: REPAIR };
}

export async function checkLeftovers({ projectDir }: OperationContext): Promise<HealthCheck> {
  const kept = await listDamaged(join(projectDir, ".perdure"));
  if (kept.length === 0) return { name: "leftovers", ok: true, message: "no damaged files are kept" };
  return {
    name: "leftovers",
    ok: "warning",
    message: `damaged files are kept of ${counted(kept.length, "repair")}: ${kept.slice(0, 3).join(", ")}`,
    hint: "Delete them once you are sure that nothing is missed.",
  };
}

export async function checkWorkspace(context: OperationContext): Promise<HealthCheck> {
  const name = "workspace";
  if (!existsSync(join(context.projectDir, ".perdure", "workspace.git"))) {
    return { name, ok: true, message: "no snapshots of the workspace" };
  }
  const problems = await workspaceOf(context).check();
  if (problems.length === 0) return { name, ok: true, message: "every snapshot of the workspace is whole" };
  return {
    name,
    ok: false,
    message: `snapshots of the workspace are damaged: ${problems.slice(0, 3).join("; ")}`,
    hint: "Those that are whole can be restored still. Moving .perdure/workspace.git away begins anew.",
  };
}

/** Plays the whole log and compares. Before anything else opens the store: nobody may use it meanwhile. */
export async function checkDeep(context: OperationContext): Promise<HealthCheck> {
  const name = "copies";
  if (context.repairStore === undefined)
    return { name, ok: "warning", message: "this kind of store has no other copies" };
  try {
    const { damaged, recovered } = await context.repairStore({ isDryRun: true, mayDiscard: false });
    if (damaged.length > 0) {
      return { name, ok: false, message: `damaged: ${damaged.slice(0, 3).join("; ")}`, hint: REPAIR };
    }
    return { name, ok: true, message: `the tables are what the ${recovered.changes} changes of the log make` };
  } catch (error) {
    if (!isPerdureError(error, "conflict")) throw error;
    const hint = "End what has the project open and run `perdure doctor --deep` again.";
    return { name, ok: "warning", message: "could not be looked at while others use the store", hint };
  }
}

export async function checkArtifacts(context: OperationContext): Promise<HealthCheck> {
  const name = "artifacts";
  const bad: string[] = [];
  let count = 0;
  for (let after = ""; ;) {
    const hashes = await context.store.execute(listArtifactHashes, { after, limit: 500 });
    for (const hash of hashes) {
      count += 1;
      await context.artifactFiles.read(hash).catch(() => bad.push(hash));
    }
    const last = hashes.at(-1);
    if (last === undefined) break;
    after = last;
  }
  if (bad.length === 0) return { name, ok: true, message: `${count} artifacts hold what was stored` };
  return {
    name,
    ok: false,
    message: `${bad.length} of ${count} artifacts are missing or damaged: ${bad.slice(0, 3).join(", ")}`,
    hint: "Put the files back in .perdure/artifacts/ from a copy, or run their tasks again.",
  };
}

export async function checkCheckpoints({ store }: OperationContext): Promise<HealthCheck> {
  const name = "checkpoints";
  const bad: string[] = [];
  let count = 0;
  for (let after: number | null = 0; after !== null;) {
    const page: CheckpointSeals = await store.execute(checkSeals, { after, limit: 200 });
    count += page.looked;
    bad.push(...page.damaged.map(({ label, id, problem }) => `${label} (${id.slice(0, 8)}): ${problem}`));
    after = page.next;
  }
  if (bad.length === 0) return { name, ok: true, message: `${count}, each as it was made` };
  return {
    name,
    ok: false,
    message: `${bad.length} of ${count} are damaged: ${bad.slice(0, 3).join("; ")}`,
    hint: "They are not restored; the others are sound. `perdure repair` brings back those the journal still has.",
  };
}
