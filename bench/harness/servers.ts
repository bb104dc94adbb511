/** The servers that products need: started for the benchmarks alone, on this disk, durable to the last commit. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import type { QueryResultRow } from "pg";

import type { PostgresServer } from "../../src/store/testing/postgres/postgres-server.ts";
import { startPostgres } from "../../src/store/testing/postgres/postgres-server.ts";
import type { ServerKind, Subject } from "../subjects/subject.ts";
import { serverOf } from "../subjects/subject.ts";
import { serverCpuMs } from "./server-cpu.ts";
import { removeScratch, scratchRoot } from "./scratch.ts";
import { sleep } from "./shared-clock.ts";

export interface Servers {
  /** Calls `use` with the address of an empty database of that kind, which is gone afterwards. */
  withDatabase<T>(kind: ServerKind | null, use: (url: string) => Promise<T>): Promise<T>;
  readonly versions: readonly string[];
  /** Asks PostgreSQL as the owner of the server. */
  query<Row extends QueryResultRow>(sql: string, url: string): Promise<readonly Row[]>;
  /** What a database would get by itself after a while: space swept, statistics for the planner. Nothing for Redis. */
  vacuum(url: string): Promise<void>;
  /** Milliseconds of processor time that PostgreSQL has used, or `null` where the machine does not tell. */
  postgresCpuMs(): number | null;
  stop(): Promise<void>;
}

/** What is set beside the defaults of PostgreSQL, for all products alike. */
const POSTGRES_SETTINGS = { max_connections: 300, shared_buffers: "512MB", max_wal_size: "4GB" };

/** Redis answers a write once it is synced, and syncs once for all that came in one turn of its loop. */
const REDIS_SETTINGS = [
  "--appendonly",
  "yes",
  "--appendfsync",
  "always",
  "--save",
  "",
  "--maxmemory-policy",
  "noeviction",
];

export async function startServers(subjects: readonly Subject[]): Promise<Servers> {
  const kinds = new Set(subjects.map(serverOf));
  const postgres = kinds.has("postgres") ? await startPostgresHere() : null;
  const redisVersion = kinds.has("redis") ? await versionOfRedis() : null;
  return {
    versions: [
      ...(postgres === null ? [] : [`PostgreSQL ${postgres.version} (${settingsText()})`]),
      ...(redisVersion === null ? [] : [`Redis ${redisVersion} (appendonly yes, appendfsync always)`]),
    ],
    async withDatabase(kind, use) {
      if (kind === "redis") return await withRedis(use);
      if (kind === null || postgres === null) throw new Error("it was not asked for a server of that kind");
      const url = await postgres.createDatabase();
      try {
        return await use(url);
      } finally {
        await postgres.dropDatabase(url);
      }
    },
    async query<Row extends QueryResultRow>(sql: string, url: string) {
      return (await postgres?.query<Row>(sql, [], url)) ?? [];
    },
    async vacuum(url) {
      if (url.startsWith("postgres")) await postgres?.query("vacuum analyze", [], url);
    },
    postgresCpuMs: () => (postgres === null ? null : serverCpuMs(postgres.pid())),
    async stop() {
      await postgres?.remove();
    },
  };
}

/** With its data on the disk of this checkout: a temporary directory may be memory. */
async function startPostgresHere(): Promise<PostgresServer> {
  process.env.TMPDIR = scratchRoot();
  const server = await startPostgres(POSTGRES_SETTINGS);
  // After what the server's directory is removed by.
  if (process.listeners("exit").includes(removeScratch)) process.off("exit", removeScratch).on("exit", removeScratch);
  return server;
}

function settingsText(): string {
  return Object.entries(POSTGRES_SETTINGS)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

/** Without a `redis-server` on the path its products are left out. */
export async function hasRedis(): Promise<boolean> {
  return (await versionOfRedis()) !== null;
}

async function versionOfRedis(): Promise<string | null> {
  const child = spawn("redis-server", ["--version"], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return await new Promise((resolve) => {
    child.once("error", () => resolve(null));
    child.once("close", () => resolve(/v=(\S+)/.exec(said)?.[1] ?? null));
  });
}

async function withRedis<T>(use: (url: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(scratchRoot(), "redis-"));
  const port = await freePort();
  const child = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, ...REDIS_SETTINGS],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = (): void => void child.kill("SIGKILL");
  process.once("exit", stop);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.stdout.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("Ready to accept connections")) resolve();
      });
    });
    return await use(`redis://127.0.0.1:${port}`);
  } finally {
    stop();
    process.off("exit", stop);
    await ended;
    await sleep(50);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => {
    probe.listen(0, "127.0.0.1", done);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => {
    probe.close(done);
  });
  return port;
}
