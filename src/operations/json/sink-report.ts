/** A copy of the change log as JSON. */

import { join } from "node:path";

import * as v from "valibot";

import { SINK_KINDS } from "../../config/config.ts";
import type { SinkReport, SinkReportDeps } from "../../replication/sink-report.ts";
import { JOURNAL_DIRECTORY } from "../../trail/journal-files.ts";
import type { OperationContext } from "../operation.ts";
import { toIso } from "./times.ts";

export const sinkReportSchema = v.object({
  kind: v.picklist(SINK_KINDS),
  /** What and where it is, without secrets. */
  name: v.string(),
  /** The last change it holds; `null` when it cannot be told. */
  lastSeq: v.nullable(v.number()),
  /** Changes of the store it does not hold. */
  lag: v.nullable(v.number()),
  problem: v.nullable(v.object({ message: v.string(), hint: v.nullable(v.string()) })),
  failingSince: v.nullable(v.string()),
});

export function toSinkReport({ failingSince, ...report }: SinkReport): v.InferInput<typeof sinkReportSchema> {
  return { ...report, failingSince: failingSince === null ? null : toIso(failingSince) };
}

/** What copying needs of an open project. */
export function replicationOf(context: OperationContext): SinkReportDeps {
  const { store, clock, random, artifactFiles, projectDir } = context;
  return { store, clock, random, artifactFiles, projectDir, journalDirectory: journalDirectoryOf(context) };
}

/** Of the journal that stands in for what the store's log no longer has; `null` where none mirrors the store. */
export function journalDirectoryOf({ logMirror, projectDir }: OperationContext): string | null {
  return logMirror == null ? null : join(projectDir, ".perdure", JOURNAL_DIRECTORY);
}
