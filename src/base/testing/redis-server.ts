/** A Redis server of a test's own, in a directory that goes with it. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "./free-port.ts";

export interface RedisServer {
  readonly url: string;
  /** Kills it. */
  stop(): Promise<void>;
}

export const hasRedisServer = spawnSync("redis-server", ["--version"]).status === 0;

/** At `port` where one is given, so that it can come back. It keeps what it acknowledged in `directory`, and nothing without one. */
export async function startRedisServer({
  port,
  directory,
}: { readonly port?: number; readonly directory?: string } = {}): Promise<RedisServer> {
  const at = port ?? (await freePort());
  const place = directory ?? mkdtempSync(join(tmpdir(), "perdure-redis-"));
  const keeping = directory === undefined ? ["--save", ""] : ["--appendonly", "yes", "--appendfsync", "always"];
  const server = spawn("redis-server", ["--port", String(at), "--bind", "127.0.0.1", "--dir", place, ...keeping], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const said of server.stdout) if (String(said).includes("eady to accept")) break;
  return {
    url: `redis://127.0.0.1:${at}`,
    async stop() {
      const hasExited = once(server, "exit");
      server.kill("SIGKILL");
      await hasExited;
      if (directory === undefined) rmSync(place, { recursive: true, force: true });
    },
  };
}
