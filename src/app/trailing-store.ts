/**
 * Starts the trail (the journal and the files beside the store) once something is written, and ends it when the project is
 * closed. What only reads neither loads nor runs any of it.
 */

import type { ClockDep } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { ProjectId } from "../domain/ids.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { Store } from "../store/port.ts";
import type { Trail } from "../trail/trail.ts";

type ProjectStore = Store & { readonly projectId: ProjectId };

export interface TrailingStoreOptions extends ClockDep {
  readonly store: ProjectStore;
  /** `.perdure` of the project. */
  readonly directory: string;
  readonly artifactFiles: ArtifactFiles;
  readonly keepsJournal: boolean;
  /** Told once, when the project is closed, what could not be written. */
  readonly onWarning: (message: string) => void;
}

/** Work that is under way is not to share its first moments with loading this. */
const START_AFTER_MS = 200;
/** Most that closing waits for what is left. */
const FINISH_MS = 10_000;

/** The store, with a trail. Closing it ends the trail first. */
export function trailingStore(options: TrailingStoreOptions): ProjectStore {
  const { store, clock, onWarning } = options;
  const inspect = store.inspect?.bind(store);
  let hasWritten = false;
  let trail: Promise<Trail> | null = null;
  let closing: Promise<void> | null = null;
  let cancelStart = (): void => {};

  const start = async (): Promise<Trail> => (await import("../trail/trail.ts")).startTrail(options);
  const noteWrite = (): void => {
    if (hasWritten) return;
    hasWritten = true;
    cancelStart = clock.setTimer(START_AFTER_MS, () => (trail ??= start()));
  };
  const finish = async (): Promise<void> => {
    cancelStart();
    if (!hasWritten) return;
    try {
      const problem = await (await (trail ?? start())).finish(FINISH_MS);
      if (problem !== null) onWarning(`The journal is not complete: ${problem}`);
    } catch (error) {
      // Nothing is lost: the store has it all.
      onWarning(`The journal could not be written: ${messageOf(error)}`);
    }
  };

  return {
    get projectId() {
      return store.projectId;
    },
    ...(inspect === undefined ? {} : { inspect }),
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
