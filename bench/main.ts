/**
 * The benchmarks, one after another: `npm run bench`, or with names and `--quick`: `npm run bench -- throughput steps --quick`.
 * Prints what was measured on which machine at which durability, and which targets were met.
 */

import { parseArgs } from "node:util";

import { checkpoints } from "./benchmarks/checkpoints.ts";
import { claimLatency } from "./benchmarks/claim-latency.ts";
import { contention } from "./benchmarks/contention.ts";
import { conversation } from "./benchmarks/conversation.ts";
import { facts } from "./benchmarks/facts.ts";
import { idle } from "./benchmarks/idle.ts";
import { mcp } from "./benchmarks/mcp.ts";
import { memory } from "./benchmarks/memory.ts";
import { memoryEntries } from "./benchmarks/memory-entries.ts";
import { pickup } from "./benchmarks/pickup.ts";
import { scaling } from "./benchmarks/scaling.ts";
import { servedClaims } from "./benchmarks/served-claims.ts";
import { servedPickup } from "./benchmarks/served-pickup.ts";
import { servedThroughput } from "./benchmarks/served-throughput.ts";
import { startup } from "./benchmarks/startup.ts";
import { steps } from "./benchmarks/steps.ts";
import { throughput } from "./benchmarks/throughput.ts";
import { machineHeader } from "./harness/machine.ts";
import type { Benchmark, Check } from "./harness/report.ts";
import { formatCheck, formatFindings } from "./harness/report.ts";
import { removeScratch } from "./harness/scratch.ts";

const ALL: readonly Benchmark[] = [
  throughput,
  steps,
  pickup,
  claimLatency,
  memory,
  idle,
  startup,
  contention,
  memoryEntries,
  facts,
  checkpoints,
  mcp,
  conversation,
  servedThroughput,
  servedPickup,
  servedClaims,
  scaling,
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: "boolean" } } });
const unknown = positionals.filter((name) => !ALL.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(
    `error: no benchmark is called ${unknown.join(", ")}; there are ${ALL.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}
const chosen = ALL.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

process.on("SIGINT", () => process.exit(130));
process.on("exit", removeScratch);
console.log(machineHeader().join("\n"));
const startedAt = performance.now();
const checks: Check[] = [];
for (const { name, title, run } of chosen) {
  const begunAt = performance.now();
  const findings = await run({ isQuick: values.quick ?? false });
  checks.push(...findings.checks);
  console.log(`\n${name}: ${title} (${seconds(begunAt)})\n\n${formatFindings(findings)}`);
}
console.log(`\nTargets, after ${seconds(startedAt)}:\n${checks.map(formatCheck).join("\n")}`);

function seconds(since: number): string {
  return `${Math.round((performance.now() - since) / 1_000)} s`;
}
