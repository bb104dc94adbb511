/** Blobs nothing refers to are removed, and never one that something has begun to refer to meanwhile. */

import { describe, expect, it } from "vitest";

import { sha256 } from "../../base/sha256.ts";
import { LIMITS } from "../../domain/limits.ts";
import { listBlobs, removeBlobs } from "../../store/commands/cleanup-log.ts";
import { importSession, storeBlobs } from "../../store/commands/import-session.ts";
import type { Store } from "../../store/port.ts";
import type { Suite } from "./bench.ts";
import { expectRefused } from "./bench.ts";
import { readLog } from "./log-suite.ts";

const VALUE = "x".repeat(LIMITS.inlineBytes + 1);
const TEXT = JSON.stringify(VALUE);
const HASH = sha256().update(TEXT).digest("hex");

export function blobsSuite(suite: Suite): void {
  describe("a blob", () => {
    it("goes when nothing refers to it", async () => {
      const { store } = await suite.open();
      await store.execute(storeBlobs, { blobs: [[HASH, TEXT]] });
      expect(await removeBlob(store, await newestSeq(store))).toBe(true);
      expect(await isThere(store)).toBe(false);
    });

    it("stays when a change refers to it that came after the log was looked through", async () => {
      const bench = await suite.open();
      const { store } = bench;
      await store.execute(storeBlobs, { blobs: [[HASH, TEXT]] });
      const lookedThrough = await newestSeq(store);
      // It finds the value there.
      await bench.create({ ref: "a", input: VALUE });
      expect(await removeBlob(store, lookedThrough)).toBe(false);
      expect((await bench.task("a")).input).toEqual(VALUE);
    });

    it("that went before the session it was brought for leaves that to be imported again", async () => {
      const bench = await suite.open();
      const { store } = bench;
      await store.execute(storeBlobs, { blobs: [[HASH, TEXT]] });
      await removeBlob(store, await newestSeq(store));
      const session = {
        sessionId: bench.session.id,
        rows: [["sessions", [{ id: bench.session.id }]]],
        environments: [],
        history: [],
        newIds: true,
        from: "a test",
        hasWorkspaces: false,
        blobs: [HASH],
      } as const;
      await expectRefused(bench, "conflict", () => store.execute(importSession, session));
    });
  });
}

async function newestSeq(store: Store): Promise<number> {
  return (await readLog(store)).at(-1)?.seq ?? 0;
}

async function removeBlob(store: Store, lookedThrough: number): Promise<boolean> {
  return (await store.execute(removeBlobs, { hashes: [HASH], lookedThrough })).includes(HASH);
}

async function isThere(store: Store): Promise<boolean> {
  return (await store.execute(listBlobs, { after: "", limit: 100 })).blobs.some(({ hash }) => hash === HASH);
}
