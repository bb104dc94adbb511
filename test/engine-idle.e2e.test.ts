/** An idle worker on a real database file: what it costs while there is nothing to do. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { systemClock } from "../src/base/clock.ts";
import { systemRandom } from "../src/base/random.ts";
import { systemHost } from "../src/engine/system-host.ts";
import { createWorker } from "../src/engine/worker.ts";
import { artifactFiles } from "../src/store/artifact-files.ts";
import { openSqliteStore } from "../src/store/sqlite/sqlite-store.ts";

const IDLE_MS = 5_000;

test("an idle worker uses less than 1 % of a processor", async () => {
  const directory = mkdtempSync(join(tmpdir(), "perdure-idle-"));
  const deps = { clock: systemClock, random: systemRandom };
  const store = openSqliteStore({ ...deps, path: join(directory, "perdure.db"), projectName: "idle", actor: "test" });
  const worker = createWorker(
    {
      ...deps,
      store,
      host: systemHost(),
      artifactFiles: artifactFiles({ ...deps, dir: join(directory, "artifacts") }),
    },
    {
      executors: () => new Map([["nothing", { name: "nothing", execute: async () => null }]]),
      concurrency: 3,
      sessionId: null,
      leaseMs: 30_000,
      heartbeatMs: 10_000,
      graceMs: 1_000,
    },
  );
  try {
    await worker.start();
    await worker.nextIdle(0);
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000 / IDLE_MS).toBeLessThan(0.01);
  } finally {
    await worker.stop();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
