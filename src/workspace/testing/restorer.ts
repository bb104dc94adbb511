/** A process for the tests: takes snapshots and restores them in turn until it is killed. Arguments: directory, snapshot. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { openWorkspace } from "../workspace.ts";

const [, , projectDir = "", commit = ""] = process.argv;
const limits = { files: 10_000, fileBytes: 1 << 20, totalBytes: 1 << 26 };
const workspace = openWorkspace(
  { clock: systemClock, random: systemRandom },
  { projectDir, limits, alwaysExcluded: [] },
);
process.stdout.write("ready\n");
for (let turn = 0; ; turn++) {
  for (let file = 0; file < 40; file++)
    writeFileSync(join(projectDir, `file${file}`), `${process.pid} ${turn} ${file}`);
  await workspace.take({ label: `turn ${turn}` });
  await workspace.restore(commit);
}
