/**
 * Artifacts that every machine can read: kept as files on the machine that made them, and in the database in parts. Another
 * machine takes them from there when it first needs them and keeps them as files too.
 */

import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { RandomDep } from "../../base/random.ts";
import type { ArtifactFiles } from "../artifact-files.ts";
import type { Command } from "../command.ts";
import { defineRead, defineWrite, oneRow, rows } from "../command.ts";
import { text } from "../entity-rows.ts";
import type { Store } from "../port.ts";

interface Part {
  readonly hash: string;
  readonly part: number;
}

/** Of the content; in base64 a third more. */
const PART_BYTES = 384 * 1024;

const storePart = defineWrite(
  "store-artifact-part",
  function* (context, input: Part & { readonly isLast: boolean; readonly content: string }): Command<void> {
    const sql = `insert into artifact_parts (project_id, hash, part, is_last, content) values (?, ?, ?, ?, ?)
      on conflict do nothing`;
    yield* rows(sql, context.projectId, input.hash, input.part, input.isLast ? 1 : 0, input.content);
  },
);

const readPart = defineRead("read-artifact-part", function* (context, input: Part): Command<{
  readonly content: string;
  readonly isLast: boolean;
} | null> {
  const sql = "select is_last, content from artifact_parts where project_id = ? and hash = ? and part = ?";
  const row = yield* oneRow(sql, context.projectId, input.hash, input.part);
  return row === null ? null : { content: text(row.content), isLast: row.is_last === 1 };
});

/** The last part is stored last, so a content whose last part is there is there whole. */
const hasParts = defineRead(
  "has-artifact-parts",
  function* (context, input: { readonly hash: string }): Command<boolean> {
    const sql = "select part from artifact_parts where project_id = ? and hash = ? and is_last = 1 limit 1";
    return (yield* oneRow(sql, context.projectId, input.hash)) !== null;
  },
);

export function sharedArtifactFiles(
  store: Store,
  { local, random }: RandomDep & { readonly local: ArtifactFiles },
): ArtifactFiles {
  /** Resolves when it is durable there. Safe to repeat, and to do from two machines at once. */
  async function share(hash: string): Promise<void> {
    if (await store.execute(hasParts, { hash })) return;
    let part = 0;
    let held = Buffer.alloc(0);
    const put = (content: Buffer, isLast: boolean): Promise<void> =>
      store.execute(storePart, { hash, part: part++, isLast, content: content.toString("base64") });
    for await (const chunk of (await local.open(hash)) as AsyncIterable<Buffer>) {
      held = Buffer.concat([held, chunk]);
      while (held.length > PART_BYTES) {
        await put(held.subarray(0, PART_BYTES), false);
        held = held.subarray(PART_BYTES);
      }
    }
    await put(held, true);
  }

  /** Brings the content here if it is only there. */
  async function fetch(hash: string): Promise<void> {
    if ((await local.has(hash)) || !(await store.execute(hasParts, { hash }))) return;
    const path = join(tmpdir(), `perdure-${random.uuid()}`);
    const file = await open(path, "wx");
    try {
      for (let part = 0; ; part++) {
        const found = await store.execute(readPart, { hash, part });
        if (found === null) break;
        await file.write(Buffer.from(found.content, "base64"));
        if (found.isLast) break;
      }
    } finally {
      await file.close();
    }
    try {
      await local.putMoved(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  return {
    async putBytes(bytes) {
      const stored = await local.putBytes(bytes);
      await share(stored.hash);
      return stored;
    },
    async putMoved(path) {
      const stored = await local.putMoved(path);
      await share(stored.hash);
      return stored;
    },
    has: async (hash) => (await local.has(hash)) || (await store.execute(hasParts, { hash })),
    async read(hash) {
      await fetch(hash);
      return await local.read(hash);
    },
    async open(hash) {
      await fetch(hash);
      return await local.open(hash);
    },
    list: () => local.list(),
    removeUnused: (hash, options) => local.removeUnused(hash, options),
  };
}
