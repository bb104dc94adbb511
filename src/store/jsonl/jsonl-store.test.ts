import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll } from "vitest";

import type { SuiteConnection, SuiteStore } from "../../testing/store-suite/suite-options.ts";
import { storeSuite } from "../../testing/store-suite.ts";
import { openJsonlStore } from "./jsonl-store.ts";

const directory = mkdtempSync(join(tmpdir(), "perdure-jsonl-suite-"));
afterAll(() => rmSync(directory, { recursive: true }));

// What is acknowledged is tested elsewhere; without waiting for the disk the suite is quick.
async function open({ storeName, ...deps }: SuiteConnection): Promise<SuiteStore> {
  return await openJsonlStore({
    directory: join(directory, storeName),
    projectName: "suite",
    durability: "normal",
    ...deps,
  });
}

storeSuite({ name: "jsonl", open, openSecond: open });
