/**
 * What is known on this machine of each sink that failed: since when, why, and when it is tried again. So that a sink that
 * is down costs the next command nothing, also in another process.
 */

import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import * as v from "valibot";

import { replaceFile } from "../base/atomic-file.ts";
import type { Millis } from "../base/clock.ts";

/** Below `.perdure`. */
export const REPLICATION_DIRECTORY = "replication";

const failureSchema = v.object({
  problem: v.string(),
  /** Of the first of those in a row. */
  since: v.number(),
  /** In a row. */
  count: v.number(),
  retryAt: v.number(),
});
export type SinkFailure = v.InferOutput<typeof failureSchema>;

const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 60_000;

export function nextFailure(before: SinkFailure | null, problem: string, now: Millis): SinkFailure {
  const count = (before?.count ?? 0) + 1;
  const waitMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(count - 1, 10));
  return { problem, since: before?.since ?? now, count, retryAt: now + waitMs };
}

export interface SinkState {
  /** `null` when the last attempt went well, or there was none. */
  find(): Promise<SinkFailure | null>;
  set(failure: SinkFailure): Promise<void>;
  clear(): Promise<void>;
}

/** Written by whoever holds the lock of the sink. */
export function sinkState(directory: string, key: string): SinkState {
  const path = join(directory, `${key}.json`);
  return {
    async find() {
      try {
        const parsed = v.safeParse(failureSchema, JSON.parse(await readFile(path, "utf8")));
        return parsed.success ? parsed.output : null;
      } catch {
        // It is not there, or says nothing that can be read: the next attempt tells.
        return null;
      }
    },
    async set(failure) {
      await mkdir(directory, { recursive: true });
      await replaceFile(path, `${JSON.stringify(failure)}\n`);
    },
    async clear() {
      await rm(path, { force: true });
    },
  };
}
