/**
 * The order in which test files start. Without the durations of an earlier run vitest takes the largest files first, and the
 * longest tests are small files: they would begin last, and the machine would wait for one of them alone.
 */

import { relative } from "node:path";
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/** Files that take more than half a minute, the longest first. */
const LONGEST = [
  "src/store/postgres/postgres-store.pg.test.ts",
  "src/store/postgres/partitioned-store.pg.test.ts",
  "test/kill.e2e.test.ts",
  "test/faults/faults.pg.test.ts",
  "test/crash.sim.test.ts",
  "test/mcp-peers.e2e.test.ts",
  "test/mcp-agents.e2e.test.ts",
  "test/replication.e2e.test.ts",
  "test/cli-verbs.e2e.test.ts",
  "test/fleet.e2e.test.ts",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => this.#placeOf(one) - this.#placeOf(other));
  }

  #placeOf({ moduleId }: TestSpecification): number {
    const place = LONGEST.indexOf(relative(this.ctx.config.root, moduleId).replaceAll("\\", "/"));
    return place === -1 ? LONGEST.length : place;
  }
}
