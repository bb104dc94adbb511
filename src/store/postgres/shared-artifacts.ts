/**
 * Artifacts that every machine can read: kept as files on the machine that made them, and in the database in parts. Another
 * machine takes them from there when it first needs them and keeps them as files too.
 */

import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { RandomDep } from "../../base/random.ts";
import type { ArtifactFiles, ListedFile } from "../artifact-files.ts";
import type { Store } from "../port.ts";
import { hasContent, listContents, readPart, removeContent, renewContent, storePart } from "./artifact-parts.ts";

/** Of the content; in base64 a third more. */
const PART_BYTES = 384 * 1024;
const CONTENTS_PER_PAGE = 500;

export interface SharedArtifactsDeps extends RandomDep {
  readonly local: ArtifactFiles;
  /** Whether the local files are of this store alone: then they go with what they are copies of. */
  readonly ownsLocal: boolean;
}

export function sharedArtifactFiles(store: Store, { local, ownsLocal, random }: SharedArtifactsDeps): ArtifactFiles {
  /** Resolves when it is durable there. Safe to repeat, and to do from two machines at once. */
  async function share(hash: string): Promise<void> {
    if (await store.execute(renewContent, { hash })) return;
    // A cleanup took the parts of a writer that had fallen asleep between them.
    while (!(await isStored(hash)));
  }

  async function isStored(hash: string): Promise<boolean> {
    let part = 0;
    let held = Buffer.alloc(0);
    const put = (content: Buffer, isLast: boolean): Promise<boolean> =>
      store.execute(storePart, {
        hash,
        part: part++,
        isLast,
        content: content.toString("base64"),
        sizeBytes: content.length,
      });
    for await (const chunk of (await local.open(hash)) as AsyncIterable<Buffer>) {
      held = Buffer.concat([held, chunk]);
      while (held.length > PART_BYTES) {
        if (!(await put(held.subarray(0, PART_BYTES), false))) return false;
        held = held.subarray(PART_BYTES);
      }
    }
    return await put(held, true);
  }

  /** Brings the content here if it is only there. */
  async function fetch(hash: string): Promise<void> {
    if ((await local.has(hash)) || !(await store.execute(hasContent, { hash }))) return;
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

  /** Those in the database, and then local ones that are there no more. */
  async function* list(): AsyncGenerator<readonly ListedFile[]> {
    const shared = new Set<string>();
    for (let after: string | undefined = ""; after !== undefined;) {
      const page: readonly ListedFile[] = await store.execute(listContents, { after, limit: CONTENTS_PER_PAGE });
      for (const { hash } of page) shared.add(hash);
      yield page;
      after = page.at(-1)?.hash;
    }
    if (!ownsLocal) return;
    for await (const files of local.list()) yield files.filter(({ hash }) => !shared.has(hash));
  }

  return {
    isInStore: true,
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
    has: async (hash) => (await local.has(hash)) || (await store.execute(hasContent, { hash })),
    async read(hash) {
      await fetch(hash);
      return await local.read(hash);
    },
    async open(hash) {
      await fetch(hash);
      return await local.open(hash);
    },
    async renew(hash) {
      if (await store.execute(renewContent, { hash })) return true;
      if (!(await local.renew(hash))) return false;
      await share(hash);
      return true;
    },
    list,
    async removeUnused(hash, options) {
      const isGone = await store.execute(removeContent, { hash, ...options });
      return (ownsLocal && (await local.removeUnused(hash, options))) || isGone;
    },
  };
}
