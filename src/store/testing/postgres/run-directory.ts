/**
 * Where a test run keeps its PostgreSQL servers: one directory with an empty cluster that all of them are copies of (made
 * once), and one folder for each server. When the process that owns it has ended, however it ended, a watcher stops what
 * still runs and removes the directory.
 */

import { execFileSync, spawn } from "node:child_process";
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import type { Binaries } from "./binaries.ts";
import { findBinaries } from "./binaries.ts";

/** Of the run that a process belongs to; set by `global-setup.ts` and inherited by the processes that run test files. */
const RUN = "PERDURE_TEST_POSTGRES_RUN";

export interface RunDirectory {
  readonly path: string;
  readonly binaries: Binaries;
  /** A cluster without databases of its own, made by the first who asks. */
  template(): Promise<string>;
  /** Does something once for the whole run, whichever process comes first. Returns what it returned there. */
  once(name: string, act: () => Promise<string>): Promise<string>;
}

/** Costs nothing until a server is wanted. Returns how to take everything down. */
export function createRun(): () => void {
  const path = mkdtempSync(join(tmpdir(), "perdure-postgres-"));
  process.env[RUN] = path;
  writeFileSync(join(path, "owner"), String(process.pid));
  return () => {
    delete process.env[RUN];
    removeRun(path);
  };
}

let opened: RunDirectory | undefined;

/** The directory of this run. A process that belongs to none, such as a bench, gets one of its own. */
export function openRun(): RunDirectory {
  if (opened !== undefined) return opened;
  if (process.env[RUN] === undefined) process.once("exit", createRun());
  const path = process.env[RUN] ?? "";
  const binaries = findBinaries(path);
  const { uid, gid } = binaries.identity;
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
  const once = async (name: string, act: () => Promise<string>): Promise<string> => onceIn(path, name, act);
  const template = async (): Promise<string> =>
    once("template", async () => {
      watchOwner(path, Number(readFileSync(join(path, "owner"), "utf8")));
      const dir = join(path, "template");
      createCluster(dir, binaries);
      return dir;
    });
  opened = { path, binaries, template, once };
  return opened;
}

/** `--no-sync` is about this moment only: the servers themselves sync. */
function createCluster(dir: string, { initdb, identity, majorVersion }: Binaries): void {
  const locale =
    majorVersion >= 17
      ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
      : ["--locale=C", "--lc-ctype=C.UTF-8"];
  execFileSync(
    initdb,
    [`--pgdata=${dir}`, "--username=perdure", "--auth=trust", "--encoding=UTF8", "--no-sync", ...locale],
    { ...identity, cwd: join(dir, ".."), stdio: ["ignore", "ignore", "pipe"] },
  );
}

async function onceIn(path: string, name: string, act: () => Promise<string>): Promise<string> {
  const answer = join(path, `${name}.json`);
  if (isFirst(join(path, `${name}.lock`))) {
    const said = await act().then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
    writeFileSync(`${answer}.new`, JSON.stringify(said));
    renameSync(`${answer}.new`, answer);
  }
  for (;;) {
    const said = readAnswer(answer);
    if (said?.error !== undefined) throw new Error(`${name} was not made: ${said.error}`);
    if (said?.result !== undefined) return said.result;
    await pause(20);
  }
}

function readAnswer(file: string): { readonly result?: string; readonly error?: string } | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as { readonly result?: string; readonly error?: string };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function isFirst(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function removeRun(path: string): void {
  for (const folder of readdirSync(path, { withFileTypes: true })) {
    if (folder.isDirectory()) endServer(join(path, folder.name, "data", "postmaster.pid"));
  }
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** An immediate shutdown, as no one will look at the data again. */
function endServer(pidFile: string): void {
  try {
    process.kill(Number.parseInt(readFileSync(pidFile, "utf8"), 10), "SIGQUIT");
  } catch {
    // Stopped before.
  }
}

const WATCH = `
while kill -0 "$2" 2>/dev/null; do sleep 1; done
for file in "$1"/*/data/postmaster.pid; do
  [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")" 2>/dev/null
done
sleep 1
rm -rf "$1"
`;

function watchOwner(path: string, owner: number): void {
  if (process.platform === "win32") return;
  spawn("sh", ["-c", WATCH, "sh", path, String(owner)], { cwd: "/", stdio: "ignore", detached: true }).unref();
}
