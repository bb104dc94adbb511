/**
 * `tasks/history/<session id>.json.gz`: what each finished session did, one file a session, written once. A session that is
 * opened again loses its file until it is finished again. The tasks stay in the store, where they are searched.
 */

import { createWriteStream } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import { replaceFileWith } from "../base/atomic-file.ts";
import type { Millis } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import type { HistorySession, HistoryTask, SessionEnd } from "../store/commands/trail-reads.ts";
import { listHistoryTasks, listSessionEnds, readHistorySession } from "../store/commands/trail-reads.ts";
import type { Store } from "../store/port.ts";
import { instant } from "./current-file.ts";

export interface HistoryFiles {
  /** Writes the files that are missing and removes those that no longer hold, at most `limit` of them. Whether all are as they should be. */
  update(limit: number): Promise<boolean>;
}

const SUFFIX = ".json.gz";
/** Sessions that may have been finished since the last look. Older ones have their files. */
const NEWEST_SESSIONS = 1_000;
const TASKS_PER_PAGE = 50;

export function historyFiles({
  store,
  directory,
}: {
  readonly store: Store;
  readonly directory: string;
}): HistoryFiles {
  /** When the sessions that have a file were finished, as far as this process knows. */
  let written: Map<string, Millis | null> | null = null;

  async function write(sessionId: string): Promise<void> {
    await mkdir(directory, { recursive: true });
    await replaceFileWith(join(directory, `${sessionId}${SUFFIX}`), (temporary) =>
      pipeline(historyText(store, sessionId), createGzip(), createWriteStream(temporary, { flush: true })),
    );
  }

  return {
    async update(limit) {
      const isFirst = written === null;
      written ??= new Map((await sessionsIn(directory)).map((id) => [id, null]));
      const ends = await store.execute(listSessionEnds, {
        newest: NEWEST_SESSIONS,
        ids: isFirst ? [...written.keys()] : [],
      });
      const gone = isFirst ? missingIn(ends, written.keys()) : [];
      let left = limit;
      for (const { id, finishedAt } of [...ends, ...gone]) {
        const act = nextAct({ hasFile: written.has(id), writtenFor: written.get(id) ?? null, finishedAt });
        if (act === "write" || act === "remove") {
          if (left === 0) return false;
          left -= 1;
        }
        if (act === "write") await write(id);
        if (act === "remove") await rm(join(directory, `${id}${SUFFIX}`), { force: true });
        if (finishedAt === null) written.delete(id);
        else written.set(id, finishedAt);
      }
      return true;
    },
  };
}

interface HistoryState {
  readonly hasFile: boolean;
  /** `null` for a file of which only the name is known. It was written when its session was finished. */
  readonly writtenFor: Millis | null;
  readonly finishedAt: Millis | null;
}

function nextAct({ hasFile, writtenFor, finishedAt }: HistoryState): "write" | "remove" | "none" {
  if (finishedAt === null) return hasFile ? "remove" : "none";
  return hasFile && (writtenFor === null || writtenFor === finishedAt) ? "none" : "write";
}

async function sessionsIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
}

/** Sessions that have a file and were deleted. */
function missingIn(ends: readonly SessionEnd[], ids: Iterable<string>): readonly SessionEnd[] {
  const known = new Set(ends.map(({ id }) => id));
  return [...ids].filter((id) => !known.has(id)).map((id) => ({ id, finishedAt: null }));
}

/** The file's text, page by page, so that a large session is never held whole. */
async function* historyText(store: Store, sessionId: string): AsyncGenerator<string> {
  const session = await store.execute(readHistorySession, { sessionId });
  if (session === null) return;
  yield `${JSON.stringify(sessionJson(session)).slice(0, -1)},"tasks":[`;
  let after = 0;
  for (;;) {
    const tasks = await store.execute(listHistoryTasks, { sessionId, after, limit: TASKS_PER_PAGE });
    for (const task of tasks) {
      yield `${after === 0 ? "" : ","}\n${JSON.stringify(taskJson(task))}`;
      after = task.seq;
    }
    if (tasks.length < TASKS_PER_PAGE) break;
  }
  yield "\n]}\n";
}

function sessionJson({ id, name, goal, status, startedAt, endedAt }: HistorySession): JsonObject {
  return { session_id: id, name, goal, status, started_at: instant(startedAt), ended_at: instant(endedAt) };
}

function taskJson(task: HistoryTask): JsonObject {
  const { id, parentId, key, title, description, executor, status, retryCount, result, error } = task;
  return {
    id,
    key,
    parent_id: parentId,
    name: title,
    description,
    executor,
    status,
    retry_count: retryCount,
    started_at: instant(task.startedAt),
    completed_at: instant(task.completedAt),
    ...("artifact" in result ? { result_artifact: result.artifact } : { result: result.json }),
    error,
  };
}
