/** Which store a project uses: what was asked for, else what the configuration says. */

import { dirname, isAbsolute, join, resolve } from "node:path";

import { PerdureError } from "../base/errors.ts";
import { existsSync } from "../base/quick-fs.ts";
import type { Config } from "../config/config.ts";

export type StoreChoice = FileStoreChoice | ServerStoreChoice;

export interface FileStoreChoice {
  readonly backend: "sqlite" | "jsonl";
  /** Of the database file, or the directory of a jsonl store. */
  readonly path: string;
  /** What is there when the store is. */
  readonly sign: string;
  /** Its directory, which has to exist for it to be made. */
  readonly directory: string;
  /** Whether it is where the project keeps it, and so the project's alone. */
  readonly isOwn: boolean;
  /** Files and directories that belong to it, there or not. */
  readonly files: readonly string[];
  /** What chooses it again, from any directory. */
  readonly reference: string;
}

/** On a server, which any number of projects and machines share. */
export interface ServerStoreChoice {
  readonly backend: "postgres";
  readonly url: string;
  /**
   * Whether it is the one the configuration file says, and no store was ever kept in the directory. The files there are this
   * machine's picture of it then, and never the store itself; else they may be all there is of another one.
   */
  readonly isOwn: boolean;
  readonly files: readonly [];
  readonly reference: string;
}

/**
 * `store` is what was asked for: `sqlite`, `jsonl`, the path of a database file, `jsonl:DIRECTORY`, or `postgres://…`.
 *
 * @throws PerdureError `unsupported`, `invalid-config`
 */
export function chooseStore(projectDir: string, config: Config, store: string | null): StoreChoice {
  if (store !== null && /^postgres(?:ql)?:\/\//.test(store)) return serverChoice(store, false);
  if (store !== null && /^[a-z]+:\/\//.test(store)) throw unknownBackend(store.slice(0, store.indexOf(":")));
  const name = store ?? config.store.backend;
  const ownDirectory = ownDirectoryOf(projectDir, config);
  if (name === "sqlite") return sqliteChoice(join(ownDirectory, "perdure.db"), true);
  if (name === "jsonl") return jsonlChoice(ownDirectory, true);
  if (name === "postgres") {
    const isOwn =
      config.store.url !== null && !["perdure.db", "journal"].some((kept) => existsSync(join(ownDirectory, kept)));
    return serverChoice(config.store.url ?? process.env.PERDURE_POSTGRES_URL ?? noUrl(), isOwn);
  }
  if (store === null) throw unknownBackend(name);
  if (store.startsWith("jsonl:")) return jsonlChoice(resolve(store.slice("jsonl:".length)), false);
  return sqliteChoice(resolve(store.replace(/^sqlite:/, "")), false);
}

function serverChoice(url: string, isOwn: boolean): ServerStoreChoice {
  return { backend: "postgres", url, isOwn, files: [], reference: url };
}

function sqliteChoice(path: string, isOwn: boolean): FileStoreChoice {
  const directory = dirname(path);
  const files = isOwn ? filesIn(directory) : databaseFiles(path);
  return { backend: "sqlite", path, sign: path, directory, isOwn, files, reference: isOwn ? "sqlite" : path };
}

function databaseFiles(path: string): readonly string[] {
  return ["", "-wal", "-shm", "-use", "-restore"].map((end) => path + end);
}

/** Of either kind: a project that changes from one to the other keeps what it had. */
function filesIn(directory: string): readonly string[] {
  const names = [
    "journal",
    "artifacts",
    "damaged",
    "repair",
    "replication",
    "coordination.json",
    "coordination.json.tmp",
  ];
  return [
    ...databaseFiles(join(directory, "perdure.db")),
    ...[...names, "journal.lock", "journal.lock-use", "journal-restore"].map((name) => join(directory, name)),
  ];
}

function jsonlChoice(directory: string, isOwn: boolean): FileStoreChoice {
  return {
    backend: "jsonl",
    path: directory,
    sign: join(directory, "journal"),
    directory,
    isOwn,
    files: filesIn(directory),
    reference: isOwn ? "jsonl" : `jsonl:${directory}`,
  };
}

function ownDirectoryOf(projectDir: string, { store: { path } }: Config): string {
  if (path === null) return join(projectDir, ".perdure");
  return isAbsolute(path) ? path : join(projectDir, path);
}

function noUrl(): never {
  throw new PerdureError("invalid-config", {
    message: "The backend is postgres, and nothing says where the server is",
    hint: "Set store.url in perdure.yaml or PERDURE_POSTGRES_URL, or pass --store postgres://USER@HOST/DATABASE.",
  });
}

function unknownBackend(backend: string): PerdureError {
  return new PerdureError("unsupported", {
    message: `${backend} is no kind of store`,
    hint: "Use sqlite, jsonl, the path of a database file, jsonl:DIRECTORY, or postgres://USER@HOST/DATABASE.",
    details: { backend },
  });
}
