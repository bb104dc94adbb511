// Loaded before Perdure (`node --import`): lets a process take itself to be on another host, and its clock jump.
//
// PERDURE_TEST_HOST is the host's name. PERDURE_TEST_CLOCK is a file with the milliseconds by which the wall clock is off;
// it is read on SIGUSR2. Timers and `performance.now()` go on evenly, as they do on a machine whose clock is set.
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";

const host = process.env.PERDURE_TEST_HOST;
if (host !== undefined) {
  os.hostname = () => host;
  syncBuiltinESMExports();
}

const clockFile = process.env.PERDURE_TEST_CLOCK;
if (clockFile !== undefined) {
  const RealDate = Date;
  const realNow = Date.now;
  let offsetMs = 0;
  const look = () => {
    offsetMs = Number(readFileSync(clockFile, "utf8"));
  };
  const now = () => realNow() + offsetMs;
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      super(...(args.length === 0 ? [now()] : args));
    }
    static now = now;
  };
  look();
  process.on("SIGUSR2", look);
}
