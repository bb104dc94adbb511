import fc from "fast-check";
import { describe, it } from "vitest";

import { createSuite } from "../testing/store-suite/bench.ts";
import { checkWorkload } from "../testing/store-suite/log-suite.ts";
import type { Act } from "../testing/store-suite/workload.ts";
import { ACT_KINDS } from "../testing/store-suite/workload.ts";
import { openSqliteStore } from "./sqlite/sqlite-store.ts";

const suite = createSuite({
  name: "sqlite in memory",
  open: async ({ storeName, ...deps }) => openSqliteStore({ path: ":memory:", projectName: storeName, ...deps }),
  openSecond: null,
});

const pick = fc.nat({ max: 999 });
const anAct: fc.Arbitrary<Act> = fc.record({ kind: fc.constantFrom(...ACT_KINDS), picks: fc.tuple(pick, pick, pick) });

describe("any sequence of commands", () => {
  // A failure prints its seed and the shortest sequence found.
  it("leaves consistent tables that the change log alone rebuilds", async () => {
    const acts = fc.array(anAct, { minLength: 10, maxLength: 60, size: "max" });
    await fc.assert(
      fc.asyncProperty(acts, (sequence) => checkWorkload(suite, sequence)),
      { numRuns: 60, interruptAfterTimeLimit: 8_000 },
    );
  }, 20_000);
});
