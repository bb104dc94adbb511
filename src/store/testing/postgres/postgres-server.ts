/**
 * A real PostgreSQL server on loopback with data of its own, to be stopped, killed and started again by tests and
 * benches. It syncs every commit (`fsync`, `synchronous_commit`), as servers do that people rely on.
 */

import { execFile } from "node:child_process";
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import type { Databases } from "./databases.ts";
import { databasesAt } from "./databases.ts";
import { openRun } from "./run-directory.ts";

const run = promisify(execFile);

/** How a server ends: after it rolled back what was open, or at once and with recovery at the next start. */
export type StopMode = "fast" | "immediate";

/** Of `postgresql.conf`, such as `max_connections`. */
export type ServerSettings = Readonly<Record<string, string | number>>;

export interface PostgresServer extends Databases {
  readonly host: string;
  readonly port: number;
  /** `18.4`. */
  readonly version: string;
  /** The process that all others of the server are children of. */
  pid(): number;
  stop(mode?: StopMode): Promise<void>;
  /** Starts it on the same port and data. Settings stay until others are given. */
  start(settings?: ServerSettings): Promise<void>;
  restart(options?: { readonly mode?: StopMode; readonly settings?: ServerSettings }): Promise<void>;
  /** What the server has logged. */
  log(): string;
  /** Stops it and deletes its data. Forgotten servers go when the run ends. */
  remove(): Promise<void>;
}

const HOST = "127.0.0.1";

export async function startPostgres(settings: ServerSettings = {}): Promise<PostgresServer> {
  const directory = openRun();
  const template = await directory.template();
  const dir = mkdtempSync(join(directory.path, "server-"));
  cpSync(template, join(dir, "data"), { recursive: true });
  chmodSync(join(dir, "data"), 0o700);
  giveTo(directory.binaries.identity, dir);
  const server = createServerIn({ dir, port: await freePort(), settings });
  await server.start();
  return server;
}

interface Place {
  readonly dir: string;
  readonly port: number;
  readonly settings: ServerSettings;
}

function createServerIn({ dir, port, settings: first }: Place): PostgresServer {
  const { binaries } = openRun();
  const data = join(dir, "data");
  const logFile = join(dir, "server.log");
  let settings = first;
  const pgCtl = async (...args: readonly string[]): Promise<void> => {
    // Not piped: the server would inherit the pipe and keep it open.
    await run(binaries.pgCtl, [...args, "--pgdata", data, "--wait", "--silent", "--log", logFile], {
      ...binaries.identity,
      cwd: dir,
      env: { ...process.env, PGCTLTIMEOUT: "60" },
    }).catch((error: unknown) => {
      throw new Error(`pg_ctl ${args.join(" ")} failed; the server said:\n${server.log().slice(-2000)}`, {
        cause: error,
      });
    });
  };
  const server: PostgresServer = {
    ...databasesAt(`postgres://perdure@${HOST}:${port}/postgres`),
    host: HOST,
    port,
    version: binaries.version,
    pid: () => Number.parseInt(readFileSync(join(data, "postmaster.pid"), "utf8"), 10),
    async stop(mode = "fast") {
      await pgCtl("stop", "--mode", mode);
    },
    async start(changed = settings) {
      settings = changed;
      await pgCtl("start", "--options", commandLine(port, settings));
    },
    async restart({ mode = "fast", settings: changed } = {}) {
      await server.stop(mode);
      await server.start(changed);
    },
    log: () => readFileSync(logFile, "utf8"),
    async remove() {
      if (existsSync(join(data, "postmaster.pid"))) await server.stop("immediate");
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
  return server;
}

function commandLine(port: number, settings: ServerSettings): string {
  const all: ServerSettings = {
    listen_addresses: HOST,
    unix_socket_directories: "",
    fsync: "on",
    synchronous_commit: "on",
    ...settings,
  };
  return [`-p ${port}`, ...Object.entries(all).map(([name, value]) => `-c ${name}='${value}'`)].join(" ");
}

function giveTo({ uid, gid }: { readonly uid?: number; readonly gid?: number }, dir: string): void {
  if (uid === undefined || gid === undefined) return;
  chownSync(dir, uid, gid);
  for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) chownSync(join(dir, name), uid, gid);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => {
    probe.listen(0, HOST, done);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => {
    probe.close(done);
  });
  return port;
}
