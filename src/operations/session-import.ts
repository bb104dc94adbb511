/** Brings in a session that was exported. */

import { join, resolve } from "node:path";

import * as v from "valibot";

import { asId } from "../domain/ids.ts";
import type { ImportSession } from "../store/commands/import-session.ts";
import { importSession, storeBlobs } from "../store/commands/import-session.ts";
import { readProject } from "../store/commands/project-counts.ts";
import { sessionSchema, sessionToJson } from "./json/session.ts";
import type { OperationContext } from "./operation.ts";
import { defineOperation } from "./operation.ts";

const ENVIRONMENT_AGE_MS = 60_000;

export const sessionImport = defineOperation({
  name: "session-import",
  summary: "Brings in a session from a file that an export wrote, with its history and checkpoints; all or nothing.",
  input: v.object({
    path: v.pipe(v.string(), v.nonEmpty("names no file")),
    /** As a copy: everything gets new ids, and the session remembers where it came from. */
    newIds: v.optional(v.boolean(), false),
  }),
  output: v.object({
    session: sessionSchema,
    counts: v.object({ rows: v.number(), changes: v.number(), blobs: v.number(), artifacts: v.number() }),
    /** Tasks that ran where it was exported, and wait here to be resumed. */
    interrupted: v.number(),
    notices: v.array(v.string()),
  }),
  async run(context, input) {
    const path = resolve(input.path);
    const { readSessionFile } = await import("../trail/session-file-reader.ts");
    // No more than what the program is; what git says does not matter here.
    const { schemaVersion } = await context.environment({ maxAgeMs: ENVIRONMENT_AGE_MS });
    const { header, rows, environments, history, counts } = await readSessionFile(path, { schemaVersion });
    const blobs = await unpack(context, path);
    const project = await context.store.execute(readProject, null);
    const session: ImportSession = {
      sessionId: asId(header.session.id),
      rows,
      environments,
      history,
      newIds: input.newIds,
      from: `project ${header.project.name}, exported ${header.exportedAt}`,
      hasWorkspaces: project.id === header.project.id,
      blobs,
    };
    const imported = await context.store.execute(importSession, session);
    return {
      session: sessionToJson(imported.session),
      counts,
      interrupted: imported.interrupted,
      notices: noticesOf(imported),
    };
  },
});

/** Values and contents first: what refers to them comes when they are there. Left over from a refused import, they are nobody's and are cleaned up. Returns the values by their hashes. */
async function unpack(
  { store, artifactFiles, projectDir, random }: OperationContext,
  path: string,
): Promise<readonly string[]> {
  const { mkdir } = await import("node:fs/promises");
  const { unpackSessionFile } = await import("../trail/session-file-reader.ts");
  await mkdir(join(projectDir, ".perdure"), { recursive: true });
  const temporary = join(projectDir, ".perdure", `import-${random.uuid()}.tmp`);
  const hashes: string[] = [];
  let blobs: [hash: string, text: string][] = [];
  let chars = 0;
  const flush = async (): Promise<void> => {
    if (blobs.length > 0) await store.execute(storeBlobs, { blobs });
    [blobs, chars] = [[], 0];
  };
  await unpackSessionFile(path, {
    temporary,
    async onBlob(hash, text) {
      hashes.push(hash);
      blobs.push([hash, text]);
      chars += text.length;
      if (blobs.length >= BLOBS_AT_ONCE || chars >= CHARS_AT_ONCE) await flush();
    },
    async onArtifact() {
      await artifactFiles.putMoved(temporary);
    },
  });
  await flush();
  return hashes;
}

const BLOBS_AT_ONCE = 500;
const CHARS_AT_ONCE = 1 << 20;

function noticesOf({
  lostCheckpoints,
  session,
}: {
  readonly lostCheckpoints: number;
  readonly session: { readonly status: string };
}): string[] {
  const notices: string[] = [];
  if (lostCheckpoints > 0)
    notices.push(`${lostCheckpoints} checkpoints are left behind: the file does not have the history they name`);
  if (session.status === "paused") notices.push("it is paused: `perdure resume` goes on with it");
  return notices;
}
