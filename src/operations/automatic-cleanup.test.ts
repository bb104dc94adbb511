import { expect, it } from "vitest";

import { DEFAULT_CONFIG } from "../config/config.ts";
import { dumpTables } from "../testing/table-dump.ts";
import { startAutomaticCleanup } from "./automatic-cleanup.ts";
import type { TestProject } from "./testing/project.ts";
import { aProject } from "./testing/project.ts";

const HOUR_MS = 3_600_000;

async function cleanupsAfter(project: TestProject, hours: number): Promise<number> {
  const cleaning = startAutomaticCleanup(project, {});
  for (let hour = 0; hour < hours; hour += 1) {
    project.clock.advance(HOUR_MS);
    await cleaning.settled();
  }
  await cleaning.stop();
  return (await dumpTables(project.store)).cleanups?.length ?? 0;
}

it("a process that runs for long cleans up once a day", async () => {
  expect(await cleanupsAfter(aProject(), 49)).toBe(3);
});

it("one that starts again does not clean up again within the day", async () => {
  const project = aProject();
  await cleanupsAfter(project, 2);
  expect(await cleanupsAfter(project, 2)).toBe(1);
});

it("none is done where the configuration says so", async () => {
  const retention = { ...DEFAULT_CONFIG.retention, isAutomatic: false };
  expect(await cleanupsAfter(aProject({ retention }), 30)).toBe(0);
});
