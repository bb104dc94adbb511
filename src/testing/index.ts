/**
 * `perdure/testing`: for those who write a driver of the storage port, or test code that runs on Perdure without waiting
 * for real time. `storeSuite` registers vitest tests, so vitest must be installed beside it.
 */

export { seededRandom } from "../base/random.ts";
export { aSession, aTask, aWorker } from "./builders.ts";
export type { TaskSketch } from "./builders.ts";
export { crashingStore } from "./crashing-store.ts";
export type { CrashingStore, CrashPoint } from "./crashing-store.ts";
export { fakeClock } from "./fake-clock.ts";
export type { FakeClock } from "./fake-clock.ts";
export { storeSuite } from "./store-suite.ts";
export type { StoreSuiteOptions, SuiteConnection, SuiteStore } from "./store-suite/suite-options.ts";
export { faultsIn } from "./store-suite/consistency.ts";
export { dumpTables } from "./table-dump.ts";
export type { TableDump } from "./table-dump.ts";
