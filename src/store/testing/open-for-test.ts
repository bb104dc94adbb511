/** A real SQLite store on a real clock, for tests of the driver and for the processes they start. */

import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { SuiteStore } from "../../testing/store-suite/suite-options.ts";
import type { SqliteStoreOptions } from "../sqlite/sqlite-store.ts";
import { openSqliteStore } from "../sqlite/sqlite-store.ts";

export function openForTest(path: string, options: Partial<SqliteStoreOptions> = {}): SuiteStore {
  return openSqliteStore({
    path,
    projectName: "test",
    actor: "test",
    clock: systemClock,
    random: systemRandom,
    ...options,
  });
}
