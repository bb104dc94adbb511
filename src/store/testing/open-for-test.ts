/** A real store on a real clock, for tests of the driver and for the processes they start. */

import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import type { SuiteStore } from "../../testing/store-suite/suite-options.ts";
import { openJsonlStore } from "../jsonl/jsonl-store.ts";
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

/** The same for either driver: `place` is the path of a database, or `jsonl:` with a directory. */
export async function openPlaceForTest(place: string, options: Partial<SqliteStoreOptions> = {}): Promise<SuiteStore> {
  if (!place.startsWith("jsonl:")) return openForTest(place, options);
  return await openJsonlStore({
    directory: place.slice("jsonl:".length),
    projectName: "test",
    actor: "test",
    clock: systemClock,
    random: systemRandom,
    ...options,
  });
}
