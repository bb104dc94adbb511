/** An open project for tests: a store in memory, a clock that stands still, executors made of functions. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import { seededRandom } from "../../base/random.ts";
import type { Config } from "../../config/config.ts";
import { DEFAULT_CONFIG } from "../../config/config.ts";
import type { Executor } from "../../engine/executor.ts";
import type { Run } from "../../engine/run.ts";
import { artifactFiles } from "../../store/artifact-files.ts";
import type { MemoryBackend } from "../../memory/memory-backend.ts";
import { storeBackend } from "../../memory/store-backend.ts";
import { openSqliteStore } from "../../store/sqlite/sqlite-store.ts";
import { anEnvironment } from "../../testing/builders.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { OperationContext } from "../operation.ts";

export interface TestProject extends OperationContext {
  readonly clock: FakeClock;
  /** Adds an executor, or replaces it. */
  define(name: string, execute: (run: Run) => unknown): void;
}

/** Closed when the test ends. Two that are to have different ids need different seeds. */
export function aProject(config: Partial<Config> = {}, seed = 1): TestProject {
  const projectDir = mkdtempSync(join(tmpdir(), "perdure-operations-"));
  const clock = fakeClock();
  const random = seededRandom(seed);
  const store = openSqliteStore({ path: ":memory:", projectName: "test", actor: "test", clock, random });
  const executors = new Map<string, Executor>();
  onTestFinished(async () => {
    await store.close();
    rmSync(projectDir, { recursive: true, force: true });
  });
  return {
    store,
    clock,
    random,
    projectDir,
    storeFiles: [],
    host: { id: "host", pid: 1, startToken: "1", startTokenOf: (pid) => (pid === 1 ? "1" : null) },
    config: { ...DEFAULT_CONFIG, ...config },
    artifactFiles: artifactFiles({ dir: join(projectDir, ".perdure", "artifacts"), random }),
    embedder: null,
    loadMemory: () => Promise.resolve<MemoryBackend>(storeBackend({ store })),
    environment: () => Promise.resolve(anEnvironment()),
    loadExecutors: () => Promise.resolve(executors),
    define(name, execute) {
      executors.set(name, { name, execute: async (run) => await execute(run) });
    },
  };
}
