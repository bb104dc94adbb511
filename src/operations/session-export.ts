/** Writes a session into one file, from which it can be imported elsewhere. */

import { resolve } from "node:path";

import * as v from "valibot";

import { readProject } from "../store/commands/project-counts.ts";
import { getSession } from "../store/commands/session-queries.ts";
import { sessionReference } from "./json/inputs.ts";
import { toIso } from "./json/times.ts";
import { defineOperation } from "./operation.ts";
import { findSessionId } from "./references.ts";

/** Program and schema do not change while a process runs. */
const ENVIRONMENT_AGE_MS = 60_000;

export const sessionExport = defineOperation({
  name: "session-export",
  summary: "Writes a session into one file: its rows, its history, its messages, memory, checkpoints and artifacts.",
  input: v.object({
    session: sessionReference,
    /** Where to; compressed when it ends in `.gz`. Default: `session-ID.jsonl.gz` in the current directory. */
    path: v.optional(v.nullable(v.pipe(v.string(), v.nonEmpty("names no file"))), null),
  }),
  output: v.object({
    session: v.object({ id: v.string(), name: v.string() }),
    /** Absolute. */
    path: v.string(),
    counts: v.object({ rows: v.number(), changes: v.number(), blobs: v.number(), artifacts: v.number() }),
    /** What could not be carried over. */
    notices: v.array(v.string()),
  }),
  async run(context, input) {
    const { writeSessionFile } = await import("../trail/session-file-writer.ts");
    const sessionId = await findSessionId(context, input.session);
    const { id, name } = await context.store.execute(getSession, { sessionId });
    const path = resolve(input.path ?? `session-${id.slice(0, 8)}.jsonl.gz`);
    const project = await context.store.execute(readProject, null);
    const { perdureVersion, schemaVersion } = await context.environment({ maxAgeMs: ENVIRONMENT_AGE_MS });
    const written = await writeSessionFile(context, {
      sessionId,
      path,
      header: { exportedAt: toIso(context.clock.now()), perdureVersion, schemaVersion, project, session: { id, name } },
    });
    const notices = written.missingArtifacts.map((hash) => `the content of artifact ${hash} is missing or damaged`);
    if (!written.hasHistory)
      notices.push("its early history is not kept any more: it is exported as it is now, without its checkpoints");
    return { session: { id, name }, path, counts: written.counts, notices };
  },
});
