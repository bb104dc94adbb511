/** Brings the copies of the change log up to date now. */

import * as v from "valibot";

import { replicationOf, sinkReportSchema, toSinkReport } from "./json/sink-report.ts";
import { defineOperation } from "./operation.ts";

export const replicationSync = defineOperation({
  name: "replication-sync",
  summary: "Copies to every sink what it does not have yet, and waits until it is there.",
  input: v.object({}),
  output: v.object({ sinks: v.array(sinkReportSchema) }),
  async run(context, _input, options) {
    const { syncSinks } = await import("../replication/sink-report.ts");
    const reports = await syncSinks(replicationOf(context), context.config.replication, options?.signal);
    return { sinks: reports.map(toSinkReport) };
  },
});
