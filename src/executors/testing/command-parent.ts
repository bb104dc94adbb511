/**
 * A process of its own that runs one command, for tests which kill it: `command-parent.ts DIRECTORY EXECUTION LINE [stuck]`.
 * Prints the process it recorded as JSON; with `stuck` the record never becomes durable.
 */

import { systemClock } from "../../base/clock.ts";
import { systemHost } from "../../engine/system-host.ts";
import { commandExecutor } from "../command/command-executor.ts";
import { aRun, memoryLedger } from "./a-run.ts";

const [, , directory = "", executionId = "", line = "", mode] = process.argv;
const executor = commandExecutor({
  projectDir: directory,
  artifactsTempDir: directory,
  host: systemHost(),
  clock: systemClock,
  processLedger: {
    ...memoryLedger(),
    record: async (_executionId, recorded) => {
      process.stdout.write(`${JSON.stringify(recorded)}\n`);
      if (mode === "stuck") await new Promise(() => {});
    },
  },
});
await executor.execute(aRun({ executionId, input: { run: line } }));
