/** Mends a damaged store from its copies. */

import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import { hasLost } from "../repair/report.ts";
import { defineOperation } from "./operation.ts";

const range = v.object({ from: v.number(), to: v.number() });

const reportSchema = v.object({
  damaged: v.array(v.string()),
  recovered: v.object({
    changes: v.number(),
    /** By `seq`, as all changes here. */
    fromJournal: v.array(range),
    fromDatabase: v.array(range),
    fromRows: v.array(range),
  }),
  lost: v.object({
    changes: v.array(range),
    dropped: v.array(v.object({ seq: v.number(), verb: v.string(), entity: v.string(), rowKey: v.string() })),
    /** Changes contradicted by what is as good as they are. */
    doubtful: v.array(range),
    rows: v.array(v.object({ entity: v.string(), rowKey: v.string(), why: v.string(), name: v.nullable(v.string()) })),
    values: v.array(v.object({ hash: v.string(), seq: v.number(), entity: v.string(), rowKey: v.string() })),
    /** Artifacts whose file is damaged or missing. */
    files: v.array(v.object({ hash: v.string(), name: v.nullable(v.string()), why: v.string() })),
  }),
  replaced: v.array(v.string()),
  keptIn: v.nullable(v.string()),
  finishedEarlier: v.boolean(),
});

export const repair = defineOperation({
  name: "repair",
  summary: "Mends a damaged store from its journal, its change log and its rows, and tells what was lost.",
  input: v.object({
    dryRun: v.optional(v.boolean(), false),
    /** Go on although rows that can be read now would be gone. */
    discard: v.optional(v.boolean(), false),
  }),
  output: v.object({
    ...reportSchema.entries,
    dryRun: v.boolean(),
    /** Something is lost for good. */
    hasLost: v.boolean(),
  }),
  async run(context, { dryRun, discard }) {
    if (context.repairStore === undefined) {
      throw new PerdureError("unsupported", {
        message: "This kind of store cannot be repaired by Perdure",
        hint: "Stores of SQLite and jsonl can. For others, use the tools of the database; nothing was changed.",
      });
    }
    const report = await context.repairStore({ isDryRun: dryRun, mayDiscard: discard });
    const { damaged, recovered, lost, replaced, keptIn, finishedEarlier } = report;
    return {
      damaged: [...damaged],
      recovered: {
        changes: recovered.changes,
        fromJournal: [...recovered.fromJournal],
        fromDatabase: [...recovered.fromDatabase],
        fromRows: [...recovered.fromRows],
      },
      lost: {
        changes: [...lost.changes],
        dropped: [...lost.dropped],
        doubtful: [...lost.doubtful],
        rows: [...lost.rows],
        values: [...lost.values],
        files: [...lost.files],
      },
      replaced: [...replaced],
      keptIn,
      finishedEarlier,
      dryRun,
      hasLost: hasLost(report),
    };
  },
});
