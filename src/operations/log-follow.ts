/** Follows the change log as it grows, for `log --follow` and `watch`. */

import { listChanges } from "../store/commands/changes.ts";
import type { ChangeJson } from "./json/change.ts";
import type { LogFilter } from "./log.ts";
import { toJson } from "./log.ts";
import type { OperationContext } from "./operation.ts";

export interface FollowChanges extends LogFilter {
  /** Begins behind this `seq`; `null` is with what comes next. */
  readonly after: number | null;
}

const PAGE = 500;

/**
 * Calls `onChange` for every change that matches, in the order they were made, each once, until `signal` aborts.
 * Wakes when something was committed, in whichever process, and does nothing otherwise.
 *
 * @throws what reading throws, such as `store-unreachable`, or what `onChange` throws.
 */
export async function followChanges(
  context: Pick<OperationContext, "store">,
  { after, ...filter }: FollowChanges,
  onChange: (change: ChangeJson) => void,
  signal: AbortSignal,
): Promise<void> {
  const { store } = context;
  const commits = commitWaiter(store, signal);
  try {
    let last = after ?? (await newestSeq(store));
    while (!signal.aborted) {
      const seen = commits.count();
      const newest = await newestSeq(store);
      const changes = await store.execute(listChanges, { ...filter, after: last, from: "oldest", limit: PAGE });
      for (const change of await toJson(context, changes)) {
        if (signal.aborted) return;
        onChange(change);
        last = change.seq;
      }
      if (changes.length === PAGE) continue;
      // What did not match need not be looked at again.
      last = Math.max(last, newest);
      await commits.after(seen);
    }
  } finally {
    commits.release();
  }
}

type Store = OperationContext["store"];

async function newestSeq(store: Store): Promise<number> {
  const any = { sessionId: null, taskId: null, kind: null, after: null };
  const [newest] = await store.execute(listChanges, { ...any, from: "newest", limit: 1 });
  return newest?.seq ?? 0;
}

interface CommitWaiter {
  /** How many times something was committed so far. */
  count(): number;
  /** Resolves once there were more than `seen`, or the signal aborted. */
  after(seen: number): Promise<void>;
  release(): void;
}

/** Listens from the start, so that no commit between reading and waiting is missed. */
function commitWaiter(store: Store, signal: AbortSignal): CommitWaiter {
  let commits = 0;
  let wake = (): void => {};
  const unsubscribe = store.onCommit(() => {
    commits += 1;
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  // Neither the store nor a signal keeps a process alive; someone who follows does.
  const keepAlive = setInterval(() => {}, 2 ** 30);
  return {
    count: () => commits,
    after: (seen) =>
      new Promise((resolve) => {
        if (commits > seen || signal.aborted) resolve();
        else wake = resolve;
      }),
    release() {
      clearInterval(keepAlive);
      signal.removeEventListener("abort", onAbort);
      unsubscribe();
    },
  };
}
