/** How far the copies of the change log are. */

import * as v from "valibot";

import { replicationOf, sinkReportSchema, toSinkReport } from "./json/sink-report.ts";
import { defineOperation } from "./operation.ts";

export const replicationStatus = defineOperation({
  name: "replication-status",
  summary: "Tells of each copy of the change log how far it is behind the store, and what is wrong with it.",
  input: v.object({}),
  output: v.object({ sinks: v.array(sinkReportSchema) }),
  async run(context) {
    const { inspectSinks } = await import("../replication/sink-report.ts");
    const reports = await inspectSinks(replicationOf(context), context.config.replication);
    return { sinks: reports.map(toSinkReport) };
  },
});
