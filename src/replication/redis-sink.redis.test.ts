import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe } from "vitest";

import { seededRandom } from "../base/random.ts";
import { freePort } from "../base/testing/free-port.ts";
import type { RedisServer } from "../base/testing/redis-server.ts";
import { hasRedisServer, startRedisServer } from "../base/testing/redis-server.ts";
import { DEFAULT_MAX_ARTIFACT_BYTES } from "../config/config.ts";
import { sinkSuite } from "./testing/sink-suite.ts";

describe.skipIf(!hasRedisServer)("on a real server (skipped where there is no redis-server)", () => {
  const random = seededRandom(17);
  const directory = mkdtempSync(join(tmpdir(), "perdure-redis-sink-"));
  let server: RedisServer | null = null;
  let port = 0;

  beforeAll(async () => {
    port = await freePort();
    server = await startRedisServer({ port, directory });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  sinkSuite("Redis", () => ({
    config: () => ({
      sink: "redis",
      url: `redis://127.0.0.1:${port}`,
      stream: `perdure:${random.uuid()}`,
      maxArtifactBytes: DEFAULT_MAX_ARTIFACT_BYTES,
    }),
    async takeDown() {
      await server?.stop();
      server = null;
      return async () => {
        server = await startRedisServer({ port, directory });
      };
    },
    // What a script does is whole; what was put before it is not, until its last piece says so.
    async tear(sink) {
      const hash = "cd".repeat(32);
      await sink.putContent(hash, halfOf()).catch(() => {});
    },
  }));
});

async function* halfOf(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(600 << 10);
  throw new Error("killed");
}
