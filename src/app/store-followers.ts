/** What follows a project's store: the journal and the files beside it, and the copies of its log elsewhere. */

import { join } from "node:path";

import type { ClockDep } from "../base/clock.ts";
import type { RandomDep } from "../base/random.ts";
import type { Config } from "../config/config.ts";
import type { ProjectId } from "../domain/ids.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Store } from "../store/port.ts";
import { followedStore } from "./followed-store.ts";

type ProjectStore = Store & { readonly projectId: ProjectId };

export interface StoreFollowers extends ClockDep, RandomDep {
  readonly config: Config;
  readonly projectDir: string;
  readonly artifactFiles: ArtifactFiles;
  /** Whether files beside the store tell where the work stands. */
  readonly keepsStates: boolean;
  /** Whether the journal among them is a mirror of the store. */
  readonly keepsJournal: boolean;
  readonly isReplicated: boolean;
  readonly onWarning: (message: string) => void;
}

/** Most that closing waits: for files here, and for copies elsewhere, where something may not answer. */
const FILES_FINISH_MS = 10_000;
const REPLICATION_FINISH_MS = 3_000;

export function withFollowers(store: ProjectStore, options: StoreFollowers): ProjectStore {
  return withReplication(store, withTrail(store, options), options);
}

function withTrail(store: ProjectStore, options: StoreFollowers): ProjectStore {
  const { keepsStates, keepsJournal, projectDir, artifactFiles, clock, onWarning } = options;
  if (!keepsStates) return store;
  const directory = join(projectDir, ".perdure");
  return followedStore({
    store,
    start: async () =>
      (await import("../trail/trail.ts")).startTrail({ store, directory, artifactFiles, keepsJournal, clock }),
    finishMs: FILES_FINISH_MS,
    what: "The journal",
    onWarning,
    clock,
  });
}

/** Reads from `store`; `followed` is what is used and closed. */
function withReplication(store: ProjectStore, followed: ProjectStore, options: StoreFollowers): ProjectStore {
  const { isReplicated, config, projectDir, artifactFiles, keepsStates, keepsJournal, clock, random, onWarning } =
    options;
  const { replication: sinks } = config;
  if (!isReplicated || sinks.length === 0) return followed;
  const journalDirectory = keepsStates && keepsJournal ? join(projectDir, ".perdure", "journal") : null;
  return followedStore({
    store: followed,
    start: async () =>
      (await import("../replication/replicator.ts")).startReplicator({
        sinks,
        store,
        projectDir,
        journalDirectory,
        artifactFiles,
        clock,
        random,
      }),
    finishMs: REPLICATION_FINISH_MS,
    what: "A copy of the change log",
    onWarning,
    clock,
  });
}
