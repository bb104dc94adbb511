/**
 * Starts what follows a store (the journal and the files beside it, the copies of its log) once something is written, and
 * ends it when the project is closed. What only reads neither loads nor runs any of it.
 */

import type { ClockDep } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { ProjectId } from "../domain/ids.ts";
import type { Store } from "../store/port.ts";

type ProjectStore = Store & { readonly projectId: ProjectId };

interface Follower {
  /** Does what is left and stops, for at most `maxMs`. Returns why something is left, in words; `null` when nothing is. */
  finish(maxMs: number): Promise<string | null>;
}

export interface FollowedStoreOptions extends ClockDep {
  readonly store: ProjectStore;
  /** Loads and starts it. */
  readonly start: () => Promise<Follower>;
  /** Most that closing waits for what is left. */
  readonly finishMs: number;
  /** What is not complete then, as the beginning of a sentence: `The journal`. */
  readonly what: string;
  /** Told once, when the project is closed, what could not be done. */
  readonly onWarning: (message: string) => void;
}

/** Work that is under way is not to share its first moments with loading this. */
const START_AFTER_MS = 200;

/** The store, with a follower. Closing it ends the follower first. */
export function followedStore(options: FollowedStoreOptions): ProjectStore {
  const { store, clock, what, finishMs, onWarning } = options;
  const inspect = store.inspect?.bind(store);
  const becomeProject = store.becomeProject?.bind(store);
  let hasWritten = false;
  let follower: Promise<Follower> | null = null;
  let closing: Promise<void> | null = null;
  let cancelStart = (): void => {};

  const noteWrite = (): void => {
    if (hasWritten) return;
    hasWritten = true;
    cancelStart = clock.setTimer(START_AFTER_MS, () => (follower ??= options.start()));
  };
  const finish = async (): Promise<void> => {
    cancelStart();
    if (!hasWritten) return;
    try {
      const problem = await (await (follower ?? options.start())).finish(finishMs);
      if (problem !== null) onWarning(`${what} is not complete: ${problem}`);
    } catch (error) {
      // Nothing is lost: the store has it all.
      onWarning(`${what} could not be written: ${messageOf(error)}`);
    }
  };

  return {
    get projectId() {
      return store.projectId;
    },
    ...(store.standsBy === undefined ? {} : { standsBy: store.standsBy }),
    ...(inspect === undefined ? {} : { inspect }),
    ...(becomeProject === undefined ? {} : { becomeProject }),
    execute(command, input, executeOptions) {
      if (command.access === "write") noteWrite();
      return store.execute(command, input, executeOptions);
    },
    onCommit: (listener) => store.onCommit(listener),
    close() {
      closing ??= finish().then(() => store.close());
      return closing;
    },
  };
}
