import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/faults/faults.long.ts"],
    globalSetup: ["src/store/testing/postgres/global-setup.ts"],
    maxWorkers: 1,
    hookTimeout: 60_000,
  },
});
