/** Every scenario, at length: `npm run test:faults`. PERDURE_FAULT_ROUNDS is how often each fault strikes. */

import { faultSuite } from "./fault-suite.ts";
import { SCENARIOS } from "./scenarios.ts";

faultSuite({
  scenarios: SCENARIOS,
  rounds: Number(process.env.PERDURE_FAULT_ROUNDS ?? 12),
  unfinished: 60,
  leaseMs: Number(process.env.PERDURE_FAULT_LEASE_MS ?? 3_000),
  recoveryMs: Number(process.env.PERDURE_FAULT_RECOVERY_MS ?? 2_000),
  timeoutMs: 1_800_000,
});
