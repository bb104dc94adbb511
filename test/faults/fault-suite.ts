/** Registers every scenario as a test: what must hold afterwards is the same for all. */

import { appendFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { EffectsServer } from "./effects-database.ts";
import { startEffectsServer } from "./effects-database.ts";
import { openLab } from "./lab.ts";
import { rowsOf, textOf } from "./report.ts";
import type { Scenario, Size } from "./scenarios.ts";

export interface FaultSuiteOptions extends Size {
  readonly scenarios: readonly Scenario[];
  readonly leaseMs: number;
  readonly timeoutMs: number;
  /** Most time that recovery may take beyond the lease. */
  readonly recoveryMs: number;
  /** Several scenarios at once, each with a server and workers of its own. */
  readonly isConcurrent?: boolean;
}

/** A server rolls back what a silent client has open after so long; until then it may have the project's lock. */
const SILENT_LOCK_MS = 2_000;

export function faultSuite({ scenarios, leaseMs, timeoutMs, recoveryMs, ...options }: FaultSuiteOptions): void {
  const { isConcurrent = false, ...size } = options;
  let effectsServer: EffectsServer;
  beforeAll(async () => {
    effectsServer = await startEffectsServer();
  }, 60_000);
  afterAll(async () => effectsServer.remove());
  for (const scenario of scenarios) {
    test(scenario.name, { timeout: timeoutMs, concurrent: isConcurrent }, async (context) => {
      const lab = await openLab({ leaseMs, effectsServer, settings: scenario.settings ?? {} });
      context.onTestFinished(lab.close, 60_000);
      const skipped = await scenario.run(lab, size);
      if (skipped !== undefined) {
        console.log(`${scenario.name}: skipped, ${skipped.skipped}`);
        context.skip(skipped.skipped);
      }
      const report = await lab.finish();
      console.log(textOf(scenario.name, report));
      const file = process.env.PERDURE_FAULTS_REPORT;
      if (file !== undefined) {
        const { audit, seconds } = report;
        appendFileSync(
          file,
          `${JSON.stringify({ scenario: scenario.name, rows: rowsOf(scenario.name, report), audit, seconds })}\n`,
        );
      }
      expect(report.audit.problems).toEqual([]);
      expect(report.surprises, "no worker gave up").toEqual([]);
      expect(report.exitCodes.filter((code) => code !== 0)).toEqual([]);
      const limitMs = leaseMs + recoveryMs + (scenario.leavesSilentClients === true ? SILENT_LOCK_MS : 0);
      for (const { fault, slowestMs } of report.recoveries) expect(slowestMs, fault).toBeLessThan(limitMs);
      expect(report.audit.repeatedOnce).toEqual([]);
    });
  }
}
