/** What a conversation with a checkpoint after every turn takes on disk: it grows with the conversation, not with its square. */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import { seededRandom } from "../base/random.ts";
import { anEnvironment, aSession } from "../testing/builders.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { createCheckpoint } from "./commands/checkpoints.ts";
import { readBlobText } from "./commands/journal-pages.ts";
import { appendMessages } from "./commands/messages.ts";
import { createSession } from "./commands/sessions.ts";
import { blobsOfChange, changeToLine } from "./journal-line.ts";
import type { Store } from "./port.ts";
import { readRawChanges } from "./rebuild.ts";
import { openSqliteStore } from "./sqlite/sqlite-store.ts";

/** Bytes of the database and of the journal's lines after so many turns of so many bytes. */
async function sizeAfter(turns: number, turnBytes: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "perdure-size-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "perdure.db");
  const store = openSqliteStore({
    path,
    durability: "normal",
    projectName: "test",
    actor: "library",
    clock: fakeClock(),
    random: seededRandom(1),
  });
  const { id: sessionId } = await store.execute(createSession, aSession());
  const random = seededRandom(2);
  for (let turn = 0; turn < turns; turn++) {
    const text = Array.from({ length: turnBytes / 8 }, () => random.next().toString(36).slice(2, 9)).join(" ");
    const message = {
      role: turn % 2 === 0 ? "user" : "assistant",
      parts: [{ type: "text", text }],
      tokenCount: 100,
    } as const;
    await store.execute(appendMessages, { sessionId, messages: [message] });
    await store.execute(createCheckpoint, {
      sessionId,
      label: `turn ${turn}`,
      kind: "manual",
      environment: anEnvironment(),
      workspace: null,
    });
  }
  const journalBytes = await journalSize(store);
  await store.close();
  return statSync(path).size + journalBytes;
}

async function journalSize(store: Store): Promise<number> {
  let bytes = 0;
  for (let after = 0; ;) {
    const page = await store.execute(readRawChanges, { after, limit: 500 });
    if (page.length === 0) return bytes;
    for (const change of page) {
      const blobs = new Map<string, string | null>();
      for (const hash of blobsOfChange(change)) blobs.set(hash, await store.execute(readBlobText, { hash }));
      const line = changeToLine(change, { isEnd: true, findBlob: (hash) => blobs.get(hash) ?? null });
      bytes += Buffer.byteLength(line) + 1;
    }
    after = page.at(-1)?.seq ?? after;
  }
}

test.each([
  [400, 7.2],
  [1_000, 5],
  [2_000, 3.3],
  [8_000, 2.3],
])("turns of %i bytes take at most %f times that, each hundred as much as the one before", async (bytes, factor) => {
  const [empty, half, whole] = [await sizeAfter(0, bytes), await sizeAfter(100, bytes), await sizeAfter(200, bytes)];
  expect((whole - empty) / (200 * bytes)).toBeLessThan(factor);
  expect((whole - half) / (half - empty)).toBeCloseTo(1, 0);
  expect(whole - half).toBeLessThan((half - empty) * 1.1);
});
