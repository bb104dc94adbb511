/** Builds an open project: the one place where the parts are put together. */

import { basename, join, resolve } from "node:path";

import { assert } from "../base/assert.ts";
import { existsSync, mkdirSync } from "../base/quick-fs.ts";
import type { Clock } from "../base/clock.ts";
import { systemClock } from "../base/clock.ts";
import { isPerdureError, messageOf, PerdureError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { HeldUse } from "../base/use-lock.ts";
import { systemRandom } from "../base/random.ts";
import type { Durability } from "../config/config.ts";
import { findProjectDir } from "../config/find-project.ts";
import { loadConfig } from "../config/load-config.ts";
import type { ProjectId } from "../domain/ids.ts";
import type { Executor } from "../engine/executor.ts";
import type { Host } from "../engine/host.ts";
import { systemHost } from "../engine/system-host.ts";
import type { Embedder } from "../memory/embedder.ts";
import type { MemoryBackend } from "../memory/memory-backend.ts";
import type { OperationContext, RestoreMark } from "../operations/operation.ts";
import type { RepairOptions } from "../repair/report.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { LogMirror } from "../store/log-mirror.ts";
import type { Store } from "../store/port.ts";
import type { SqliteStoreOptions } from "../store/sqlite/sqlite-store.ts";
import { openSqliteStore } from "../store/sqlite/sqlite-store.ts";
import type { PostgresStoreOptions } from "../store/postgres/opening.ts";
import type { PostgresStore } from "../store/postgres/postgres-store.ts";
import type { SharedArtifactsDeps } from "../store/postgres/shared-artifacts.ts";
import type { FileStoreChoice, StoreChoice } from "./store-choice.ts";
import { chooseStore } from "./store-choice.ts";
import { finishPendingRepair, refuseHalfRestored, refuseLost, restoreMarkOf, useStore } from "./store-guard.ts";
import { withFollowers } from "./store-followers.ts";

export interface OpenProjectOptions {
  /** A directory in the project; `null` is the current one. Its nearest parent with `.perdure/` or `perdure.yaml` is the project. */
  readonly directory: string | null;
  /** Take `directory` as it is, without looking at its parents. */
  readonly isExact: boolean;
  /** Refuse a project that has no store yet, instead of making one. Default: make one. */
  readonly mustExist?: boolean;
  /** Open the store (making it where there is none) only once it is used, so that a refused plan leaves nothing behind. Default: at once. */
  readonly opensOnUse?: boolean;
  /** To restore it: also one that holds only the beginning of a log. Default: such a one is refused. */
  readonly isRestoring?: boolean;
  /** `sqlite`, `jsonl`, the path of a database file, `jsonl:DIRECTORY`, or `postgres://…`; `null` is what the configuration says. */
  readonly store: string | null;
  /** `null` is what the configuration says. */
  readonly durability: Durability | null;
  /** Recorded as who made the changes. */
  readonly actor: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly host?: Host;
  /** Told what could not be done and cost nothing but itself, such as writing the journal. */
  readonly onWarning?: (message: string) => void;
  /** For ranking memory and facts by meaning. Default: none. */
  readonly embedder?: Embedder;
}

export interface Project extends OperationContext {
  readonly store: Store & { readonly projectId: ProjectId };
  /** What opens its store again, from any directory. */
  readonly storeReference: string;
  /** Whether the store was used by this process, so far. */
  readonly isOpen: boolean;
  /** Adds an executor of this process. @throws PerdureError `conflict` when the name is taken. */
  define(executor: Executor): void;
  close(): Promise<void>;
}

/** @throws PerdureError `not-found` when it must exist and does not; `invalid-config`, `store-unreachable`, `store-damaged`, `store-too-new`, `unsupported` */
export async function openProject(options: OpenProjectOptions): Promise<Project> {
  const from = resolve(options.directory ?? ".");
  const projectDir = options.isExact ? from : findProjectDir(from);
  const config = await loadConfig(projectDir);
  const random = options.random ?? systemRandom;
  const host = memo(() => options.host ?? systemHost());
  const choice = chooseStore(projectDir, config, options.store);
  const isSqlite = choice.backend === "sqlite";
  const perdureDir = join(projectDir, ".perdure");
  const projectName = basename(projectDir);
  const isRestoring = options.isRestoring === true;
  if (choice.backend !== "postgres" && !isRestoring) refuseHalfRestored(restoreMarkOf(choice.sign));
  const server =
    choice.backend === "postgres"
      ? await openPostgres(choice.url, {
          projectName,
          actor: options.actor,
          random,
          mayBeHalfRestored: isRestoring,
          mustExist: options.mustExist === true,
          ...(options.clock === undefined ? {} : { clock: options.clock }),
        })
      : null;
  const clock = options.clock ?? server?.clock ?? systemClock;
  if (choice.backend !== "postgres") await finishPendingRepair(isSqlite ? perdureDir : choice.path, choice.sign);
  const refuseUnusable = (file: FileStoreChoice): void => {
    if (isSqlite && file.isOwn) refuseLost(file.path, perdureDir);
    if (options.mustExist === true && !existsSync(file.sign)) throw noStore(projectDir, file.path);
  };
  if (options.mustExist === true && choice.backend !== "postgres") refuseUnusable(choice);
  const localFiles = lazyArtifactFiles(join(projectDir, ".perdure", "artifacts"), random);
  const artifactFiles =
    server === null ? localFiles : await shareArtifacts(server, { local: localFiles, ownsLocal: choice.isOwn, random });
  const storeOptions = {
    durability: options.durability ?? config.store.durability,
    projectName,
    actor: options.actor,
    clock,
    random,
  };
  const keepsStates = config.journal.enabled && (choice.isOwn || server !== null);
  const follow = (opened: Project["store"]): Project["store"] =>
    withFollowers(opened, {
      config,
      projectDir,
      artifactFiles,
      // The journal can mirror one store only, and what lies elsewhere may be used by several projects.
      keepsStates,
      keepsJournal: isSqlite,
      // While it is restored, a copy is ahead of it.
      isReplicated: (choice.isOwn || server !== null) && !isRestoring,
      onWarning: options.onWarning ?? (() => {}),
      clock,
      random,
    });
  // It is read whole on opening, and leaves nothing behind until something is written.
  const jsonl =
    choice.backend === "jsonl" ? await openJsonl(choice.path, storeOptions).then(follow, keepDamaged(options)) : null;
  const remote = server === null ? null : follow(server);
  let isOpen = false;
  let use: HeldUse | null = null;
  const store = memo(() => {
    if (choice.backend === "postgres") {
      assert(remote !== null, "a store on a server is open before it is used");
      isOpen = true;
      return remote;
    }
    if (jsonl instanceof PerdureError) throw jsonl;
    if (jsonl !== null) {
      if (existsSync(choice.sign)) use = useStore(choice.sign);
      return jsonl;
    }
    refuseUnusable(choice);
    makeDirectory(choice.directory);
    use = useStore(choice.path);
    try {
      const opened = follow(openSqliteStore({ path: choice.path, ...storeOptions }));
      isOpen = true;
      return opened;
    } catch (error) {
      use.end();
      throw error;
    }
  });
  if (options.opensOnUse !== true) store();
  const defined = new Map<string, Executor>();
  let memory: Promise<MemoryBackend> | null = null;
  const project: Project = {
    get store() {
      return store();
    },
    get host() {
      return host();
    },
    storeReference: choice.reference,
    storeFiles: choice.files,
    get isOpen() {
      return isOpen;
    },
    get isBegun() {
      // A store that was lost left something beside it, and is refused when it is used.
      return isOpen || choice.backend === "postgres" || choice.files.some((file) => existsSync(file));
    },
    clock,
    random,
    projectDir,
    config,
    artifactFiles,
    isOwnStore: choice.isOwn,
    logMirror: isSqlite && choice.isOwn && config.journal.enabled ? lazyLogMirror(() => project) : null,
    define(executor) {
      if (defined.has(executor.name)) {
        throw new PerdureError("conflict", {
          message: `An executor ${JSON.stringify(executor.name)} is defined already`,
          hint: "Give each executor a name of its own.",
        });
      }
      defined.set(executor.name, executor);
    },
    embedder: options.embedder ?? null,
    loadMemory: () => {
      memory ??= openMemory(project).catch((error: unknown) => {
        // A server that is down now may be there later.
        memory = null;
        throw error;
      });
      return memory;
    },
    // What a server keeps is for its own tools to repair.
    ...(choice.backend === "postgres"
      ? {}
      : {
          repairStore: async (repairOptions: RepairOptions) => {
            const { repairProject } = await import("./repair-project.ts");
            return await repairProject(
              { projectDir, choice, keepsStates, clock, random, artifactFiles },
              repairOptions,
            );
          },
        }),
    ...(isRestoring ? { restoreMark: lazyRestoreMark(choice, server) } : {}),
    loadExecutors: memo(async () => {
      const { loadExecutors } = await import("./load-executors.ts");
      await loadExecutors(project, defined);
      return defined;
    }),
    environment: rememberedEnvironment({ projectDir, config, clock }),
    close: async () => {
      // What could not be connected needs no closing.
      const opened = await memory?.catch(() => null);
      await opened?.close();
      if (jsonl !== null && !(jsonl instanceof PerdureError)) await jsonl.close();
      if (isOpen) await store().close();
      else await server?.close();
      use?.end();
    },
  };
  return project;
}

async function openJsonl(directory: string, options: Omit<SqliteStoreOptions, "path">): Promise<Project["store"]> {
  const { openJsonlStore } = await import("../store/jsonl/jsonl-store.ts");
  return await openJsonlStore({ directory, ...options });
}

async function openPostgres(url: string, options: Omit<PostgresStoreOptions, "url">): Promise<PostgresStore> {
  const { openPostgresStore } = await import("../store/postgres/postgres-store.ts");
  return await openPostgresStore({ url, ...options });
}

async function shareArtifacts(store: Store, deps: SharedArtifactsDeps): Promise<ArtifactFiles> {
  const { sharedArtifactFiles } = await import("../store/postgres/shared-artifacts.ts");
  return sharedArtifactFiles(store, deps);
}

/** A damaged one is refused when it is used: whoever repairs it does not use it. */
function keepDamaged({ opensOnUse }: OpenProjectOptions): (error: unknown) => PerdureError {
  return (error) => {
    if (opensOnUse === true && isPerdureError(error, "store-damaged")) return error;
    throw error;
  };
}

async function openMemory(project: Project): Promise<MemoryBackend> {
  const { workingMemory } = project.config;
  if (workingMemory.backend === "memory") {
    const { storeBackend } = await import("../memory/store-backend.ts");
    return storeBackend(project);
  }
  const { openRedisBackend } = await import("../memory/redis/redis-backend.ts");
  const url = workingMemory.redisUrl ?? process.env.PERDURE_REDIS_URL ?? null;
  return await openRedisBackend({ url, projectId: project.store.projectId, clock: project.clock });
}

/** Its code is loaded when the first artifact is put or read: most commands touch none. */
function lazyArtifactFiles(dir: string, random: Random): ArtifactFiles {
  const files = memo(async () => (await import("../store/artifact-files.ts")).artifactFiles({ dir, random }));
  return {
    isInStore: false,
    putBytes: async (bytes) => (await files()).putBytes(bytes),
    putMoved: async (path) => (await files()).putMoved(path),
    has: async (hash) => (await files()).has(hash),
    renew: async (hash) => (await files()).renew(hash),
    read: async (hash) => (await files()).read(hash),
    open: async (hash) => (await files()).open(hash),
    async *list() {
      yield* (await files()).list();
    },
    removeUnused: async (hash, options) => (await files()).removeUnused(hash, options),
  };
}

function lazyRestoreMark(choice: StoreChoice, server: Store | null): RestoreMark {
  const mark = memo(async () => {
    const { restoreMark, serverRestoreMark } = await import("./restore-mark.ts");
    if (choice.backend !== "postgres") return restoreMark(restoreMarkOf(choice.sign));
    assert(server !== null, "a store on a server is open before it is used");
    return serverRestoreMark(server);
  });
  return {
    isSet: async () => (await mark()).isSet(),
    set: async () => (await mark()).set(),
    clear: async () => (await mark()).clear(),
  };
}

/** What the journal proves is asked for once in a long while. */
function lazyLogMirror(project: () => Project): LogMirror {
  const evidence = memo(async () => {
    const { journalEvidence } = await import("../trail/log-mirror.ts");
    const { store, projectDir, artifactFiles } = project();
    return journalEvidence({ store, artifactFiles, directory: join(projectDir, ".perdure", "journal") });
  });
  return {
    mirroredSeq: async () => await (await evidence()).mirroredSeq(),
    filesInUse: async () => await (await evidence()).filesInUse(),
  };
}

/** Calls at the same time share one look. */
function rememberedEnvironment({
  projectDir,
  config,
  clock,
}: Pick<OperationContext, "projectDir" | "config" | "clock">): OperationContext["environment"] {
  let last: { readonly lookedAt: number; readonly found: ReturnType<OperationContext["environment"]> } | null = null;
  return ({ maxAgeMs = 0 } = {}) => {
    const lookedAt = clock.now();
    if (last !== null && lookedAt - last.lookedAt <= maxAgeMs) return last.found;
    const found = import("./environment.ts").then(({ readEnvironment }) => readEnvironment({ projectDir, config }));
    last = { lookedAt, found };
    return found;
  };
}

function noStore(projectDir: string, storePath: string): PerdureError {
  return new PerdureError("not-found", {
    message: `There is no Perdure project in ${projectDir}`,
    hint: "Begin one with `perdure init` or `perdure run PLAN`, or name its directory with --project.",
    details: { projectDir, storePath },
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
