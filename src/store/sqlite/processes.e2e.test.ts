import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { linesOf, startChild } from "../testing/child.ts";
import { processesSuite } from "../testing/processes-suite.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "perdure-processes-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

processesSuite({ place: () => join(directory, "perdure.db"), startUpMs: 1_200, leastShare: 40 });

it("four processes open a new file at the same moment and agree on its project", async () => {
  for (let round = 0; round < 2; round++) {
    const file = join(directory, `new-${round}.db`);
    const startAt = String(Date.now() + 900);
    const openers = Array.from({ length: 4 }, () => linesOf(startChild("opener", file, startAt)));
    const projects = new Set((await Promise.all(openers)).flat());
    expect([...projects]).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)]);
  }
}, 30_000);
