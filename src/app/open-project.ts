/** Builds an open project: the one place where the parts are put together. */

import { basename, isAbsolute, join, resolve } from "node:path";

import { existsSync, mkdirSync } from "../base/quick-fs.ts";
import type { Clock } from "../base/clock.ts";
import { systemClock } from "../base/clock.ts";
import { messageOf, PerdureError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { systemRandom } from "../base/random.ts";
import type { Config, Durability } from "../config/config.ts";
import { findProjectDir } from "../config/find-project.ts";
import { loadConfig } from "../config/load-config.ts";
import type { ProjectId } from "../domain/ids.ts";
import type { Executor } from "../engine/executor.ts";
import type { Host } from "../engine/host.ts";
import { systemHost } from "../engine/system-host.ts";
import type { OperationContext } from "../operations/operation.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Store } from "../store/port.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";

export interface OpenProjectOptions {
  /** A directory in the project; `null` is the current one. Its nearest parent with `.perdure/` or `perdure.yaml` is the project. */
  readonly directory: string | null;
  /** Take `directory` as it is, without looking at its parents. */
  readonly isExact: boolean;
  /** Refuse a project that has no store yet, instead of making one. Default: make one. */
  readonly mustExist?: boolean;
  /** Open the store (making it where there is none) only once it is used, so that a refused plan leaves nothing behind. Default: at once. */
  readonly opensOnUse?: boolean;
  /** `sqlite` (`null`), or the path of a database file. */
  readonly store: string | null;
  /** `null` is what the configuration says. */
  readonly durability: Durability | null;
  /** Recorded as who made the changes. */
  readonly actor: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly host?: Host;
}

export interface Project extends OperationContext {
  readonly store: Store & { readonly projectId: ProjectId };
  /** Of the database. */
  readonly storePath: string;
  /** Adds an executor of this process. @throws PerdureError `conflict` when the name is taken. */
  define(executor: Executor): void;
  close(): Promise<void>;
}

/** @throws PerdureError `not-found` when it must exist and does not; `invalid-config`, `store-unreachable`, `store-damaged`, `store-too-new`, `unsupported` */
export async function openProject(options: OpenProjectOptions): Promise<Project> {
  const from = resolve(options.directory ?? ".");
  const projectDir = options.isExact ? from : findProjectDir(from);
  const config = await loadConfig(projectDir);
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const host = memo(() => options.host ?? systemHost());
  const storePath = storePathOf(projectDir, config, options.store);
  if (options.mustExist === true && !existsSync(storePath)) throw noStore(projectDir, storePath);
  let isOpen = false;
  const store = memo(() => {
    makeDirectory(join(storePath, ".."));
    const opened = openSqliteStore({
      path: storePath,
      durability: options.durability ?? config.store.durability,
      projectName: basename(projectDir),
      actor: options.actor,
      clock,
      random,
    });
    isOpen = true;
    return opened;
  });
  if (options.opensOnUse !== true) store();
  const defined = new Map<string, Executor>();
  const project: Project = {
    get store() {
      return store();
    },
    get host() {
      return host();
    },
    storePath,
    clock,
    random,
    projectDir,
    config,
    artifactFiles: lazyArtifactFiles(join(projectDir, ".perdure", "artifacts"), random),
    define(executor) {
      if (defined.has(executor.name)) {
        throw new PerdureError("conflict", {
          message: `An executor ${JSON.stringify(executor.name)} is defined already`,
          hint: "Give each executor a name of its own.",
        });
      }
      defined.set(executor.name, executor);
    },
    loadExecutors: memo(async () => {
      const { loadExecutors } = await import("./load-executors.ts");
      await loadExecutors(project, defined);
      return defined;
    }),
    close: async () => {
      if (isOpen) await store().close();
    },
  };
  return project;
}

function storePathOf(projectDir: string, config: Config, store: string | null): string {
  if (store !== null && /^[a-z]+:\/\//.test(store)) throw backendNotYet(store.slice(0, store.indexOf(":")));
  if (store === "jsonl") throw backendNotYet("jsonl");
  if (store !== null && store !== "sqlite") return resolve(store.replace(/^sqlite:/, ""));
  if (config.store.backend !== "sqlite") throw backendNotYet(config.store.backend);
  const configured = config.store.path;
  if (configured === null) return join(projectDir, ".perdure", "perdure.db");
  return join(isAbsolute(configured) ? configured : join(projectDir, configured), "perdure.db");
}

/** Its code is loaded when the first artifact is put or read: most commands touch none. */
function lazyArtifactFiles(dir: string, random: Random): ArtifactFiles {
  const files = memo(async () => (await import("../store/artifact-files.ts")).artifactFiles({ dir, random }));
  return {
    putBytes: async (bytes) => (await files()).putBytes(bytes),
    putMoved: async (path) => (await files()).putMoved(path),
    has: async (hash) => (await files()).has(hash),
    read: async (hash) => (await files()).read(hash),
    open: async (hash) => (await files()).open(hash),
  };
}

function noStore(projectDir: string, storePath: string): PerdureError {
  return new PerdureError("not-found", {
    message: `There is no Perdure project in ${projectDir}`,
    hint: "Begin one with `perdure init` or `perdure run PLAN`, or name its directory with --project.",
    details: { projectDir, storePath },
  });
}

function backendNotYet(backend: string): PerdureError {
  return new PerdureError("unsupported", {
    message: `The ${backend} store is not part of this version of Perdure yet`,
    hint: "Leave the store out to use SQLite.",
    details: { backend },
  });
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (cause) {
    throw new PerdureError("store-unreachable", {
      message: `The directory ${directory} cannot be made: ${messageOf(cause)}`,
      hint: "Check that its parent may be written to, or name another project with --project.",
      details: { directory },
      cause,
    });
  }
}

function memo<T extends object>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}
