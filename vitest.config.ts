import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineConfig } from "vitest/config";

import { LongestFirst } from "./test/longest-first.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // The many processes that tests start load their modules in a third of the time. Where Node keeps it by itself.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
    // Makes a place only: a PostgreSQL server starts when the first test wants one.
    globalSetup: ["src/store/testing/postgres/global-setup.ts"],
    // Files run side by side; the machines this is checked on have two cores, and end-to-end tests start processes of their own.
    maxWorkers: 2,
    // Of the tests of a file that say they may run side by side.
    maxConcurrency: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
