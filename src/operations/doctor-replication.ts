/** Whether the copies of the change log are up to date. */

import { counted } from "../base/counted.ts";
import type { SinkReport } from "../replication/sink-report.ts";
import type { HealthCheck } from "./health-check.ts";
import { replicationOf } from "./json/sink-report.ts";
import type { OperationContext } from "./operation.ts";

/** One check a sink. One that fails is a warning: the store has everything, and the work goes on. */
export async function checkReplication(context: OperationContext): Promise<readonly HealthCheck[]> {
  const { replication } = context.config;
  if (replication.length === 0) return [];
  const { inspectSinks } = await import("../replication/sink-report.ts");
  return (await inspectSinks(replicationOf(context), replication)).map(toCheck);
}

function toCheck({ name: place, lag, lastSeq, problem }: SinkReport): HealthCheck {
  const name = "replication";
  if (problem !== null) {
    const hint = problem.hint === null ? {} : { hint: problem.hint };
    return { name, ok: "warning", message: `${place}: ${problem.message}`, ...hint };
  }
  if (lag === 0) return { name, ok: true, message: `${place}: up to change ${lastSeq}, as the store` };
  const hint = "The next command that changes something goes on with it; `perdure replication sync` does now.";
  return { name, ok: "warning", message: `${place}: ${counted(lag ?? 0, "change")} behind the store`, hint };
}
