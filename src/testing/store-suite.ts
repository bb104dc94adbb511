/**
 * The store suite: what every driver of the storage port must do, as vitest tests. Call it in a test file of the driver:
 *
 * ```ts
 * storeSuite({ name: "sqlite", open: openFresh, openSecond: openAgain });
 * ```
 *
 * Needs vitest, which `perdure/testing` leaves to the project that uses it.
 */

import { describe } from "vitest";

import { blobsSuite } from "./store-suite/blobs-suite.ts";
import { createSuite } from "./store-suite/bench.ts";
import { checkpointsSuite } from "./store-suite/checkpoints-suite.ts";
import { claimsSuite } from "./store-suite/claims-suite.ts";
import { dependenciesSuite } from "./store-suite/dependencies-suite.ts";
import { factsSuite } from "./store-suite/facts-suite.ts";
import { fleetSuite } from "./store-suite/fleet-suite.ts";
import { identitySuite } from "./store-suite/identity-suite.ts";
import { journalSuite } from "./store-suite/journal-suite.ts";
import { leasesSuite } from "./store-suite/leases-suite.ts";
import { logSuite } from "./store-suite/log-suite.ts";
import { messagesSuite } from "./store-suite/messages-suite.ts";
import { storeMemorySuite } from "./store-suite/memory-suite.ts";
import { recordsSuite } from "./store-suite/records-suite.ts";
import { sessionCopySuite } from "./store-suite/session-copy-suite.ts";
import { sessionsSuite } from "./store-suite/sessions-suite.ts";
import { restoreWorkloadSuite } from "./store-suite/restore-workload-suite.ts";
import { submissionSuite } from "./store-suite/submission-suite.ts";
import { waitsSuite } from "./store-suite/waits-suite.ts";
import type { StoreSuiteOptions } from "./store-suite/suite-options.ts";

export function storeSuite(options: StoreSuiteOptions): void {
  describe(`store suite on ${options.name}`, () => {
    const suite = createSuite(options);
    claimsSuite(suite);
    fleetSuite(suite);
    leasesSuite(suite);
    dependenciesSuite(suite);
    submissionSuite(suite);
    journalSuite(suite);
    waitsSuite(suite);
    recordsSuite(suite);
    logSuite(suite);
    blobsSuite(suite);
    identitySuite(suite);
    sessionsSuite(suite);
    messagesSuite(suite);
    sessionCopySuite(suite);
    storeMemorySuite(suite);
    factsSuite(suite);
    checkpointsSuite(suite);
    restoreWorkloadSuite(suite);
  });
}
