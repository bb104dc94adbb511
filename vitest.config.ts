import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Files run side by side; the machines this is checked on have two cores, and end-to-end tests start processes of their own.
    // Makes a place only: a PostgreSQL server starts when the first test wants one.
    globalSetup: ["src/store/testing/postgres/global-setup.ts"],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
