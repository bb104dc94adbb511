/** Which store a project uses: what was asked for, else what the configuration says. */

import { dirname, isAbsolute, join, resolve } from "node:path";

import { PerdureError } from "../base/errors.ts";
import type { Config } from "../config/config.ts";

export interface StoreChoice {
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

/** `store` is what was asked for: `sqlite`, `jsonl`, the path of a database file, or `jsonl:DIRECTORY`. @throws PerdureError `unsupported` */
export function chooseStore(projectDir: string, config: Config, store: string | null): StoreChoice {
  if (store !== null && /^[a-z]+:\/\//.test(store)) throw backendNotYet(store.slice(0, store.indexOf(":")));
  const name = store ?? config.store.backend;
  const ownDirectory = ownDirectoryOf(projectDir, config);
  if (name === "sqlite") return sqliteChoice(join(ownDirectory, "perdure.db"), true);
  if (name === "jsonl") return jsonlChoice(ownDirectory, true);
  if (store === null) throw backendNotYet(name);
  if (store.startsWith("jsonl:")) return jsonlChoice(resolve(store.slice("jsonl:".length)), false);
  return sqliteChoice(resolve(store.replace(/^sqlite:/, "")), false);
}

function sqliteChoice(path: string, isOwn: boolean): StoreChoice {
  const directory = dirname(path);
  const files = isOwn ? filesIn(directory) : databaseFiles(path);
  return { backend: "sqlite", path, sign: path, directory, isOwn, files, reference: isOwn ? "sqlite" : path };
}

function databaseFiles(path: string): readonly string[] {
  return ["", "-wal", "-shm", "-use"].map((end) => path + end);
}

/** Of either kind: a project that changes from one to the other keeps what it had. */
function filesIn(directory: string): readonly string[] {
  const names = ["journal", "artifacts", "damaged", "repair", "coordination.json", "coordination.json.tmp"];
  return [
    ...databaseFiles(join(directory, "perdure.db")),
    ...[...names, "journal.lock", "journal.lock-use"].map((name) => join(directory, name)),
  ];
}

function jsonlChoice(directory: string, isOwn: boolean): StoreChoice {
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

function backendNotYet(backend: string): PerdureError {
  return new PerdureError("unsupported", {
    message: `The ${backend} store is not part of this version of Perdure yet`,
    hint: "Leave the store out to use SQLite.",
    details: { backend },
  });
}
