/** Every scenario, briefly. `npm run test:faults` runs them at length. */

import { faultSuite } from "./fault-suite.ts";
import { SCENARIOS } from "./scenarios.ts";

// The machine may be busy with other tests: how long recovery takes is held to by the long version.
faultSuite({
  scenarios: SCENARIOS,
  rounds: 2,
  unfinished: 24,
  leaseMs: 3_000,
  recoveryMs: 12_000,
  timeoutMs: 120_000,
  // Most of the time of a scenario is spent waiting for a lease to end.
  isConcurrent: true,
});
