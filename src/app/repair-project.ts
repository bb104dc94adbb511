/** Repairing the store of a project: `repair/` with the parts it needs. */

import { basename, join } from "node:path";

import type { ClockDep } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import { existsSync } from "../base/quick-fs.ts";
import type { RandomDep } from "../base/random.ts";
import { repairStore } from "../repair/repair.ts";
import type { RepairOptions, RepairReport } from "../repair/report.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import { artifactFiles } from "../store/artifact-files.ts";
import { jsonlPlace } from "../store/jsonl/jsonl-place.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import type { FileStoreChoice } from "./store-choice.ts";
import { useLockOf } from "./store-guard.ts";

interface RepairProject extends ClockDep, RandomDep {
  readonly projectDir: string;
  readonly choice: FileStoreChoice;
  readonly keepsStates: boolean;
  /** Of the project. */
  readonly artifactFiles: ArtifactFiles;
}

export async function repairProject(project: RepairProject, options: RepairOptions): Promise<RepairReport> {
  const { choice, clock, random, projectDir, keepsStates } = project;
  const perdureDir = join(projectDir, ".perdure");
  const place = choice.backend === "jsonl" ? jsonlPlace(choice.path) : null;
  const hasJournal = place !== null || choice.isOwn;
  if (!existsSync(choice.sign) && !(hasJournal && existsSync(join(perdureDir, "journal")))) {
    throw new PerdureError("not-found", {
      message: `There is no Perdure project in ${projectDir}`,
      hint: "Name its directory with --project.",
      details: { projectDir, storePath: choice.path },
    });
  }
  // Made anew and looked at before it is used, so it need not be durable at every step.
  const openStore = (path: string) =>
    openSqliteStore({ path, durability: "normal", projectName: "", actor: "repair", clock, random });
  const artifactDirectory = place?.artifacts ?? join(perdureDir, "artifacts");
  const deps = {
    clock,
    random,
    openStore,
    hasJournal,
    artifactDirectory,
    directory: place?.directory ?? perdureDir,
    stateDirectory: keepsStates ? perdureDir : null,
    projectName: basename(projectDir),
    storePath: place === null ? choice.path : null,
    useLockPath: useLockOf(choice.sign),
    artifactFiles: place === null ? project.artifactFiles : artifactFiles({ dir: artifactDirectory, random }),
    disposable: place === null ? [] : [place.coordination],
  };
  return await repairStore(deps, options);
}
