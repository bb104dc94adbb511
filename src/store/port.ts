/** The storage port: what the engine asks of a store and what every driver promises. */

import type { Millis } from "../base/clock.ts";
import type { CommandDefinition } from "./command.ts";
import type { Standby } from "./standby.ts";

export interface ExecuteOptions {
  /** Who is recorded as having made the changes; the store's own actor by default. */
  readonly actor?: string;
  /**
   * Told the number of the commit that the call is in, right before it resolves, by a driver that numbers its own commits:
   * listeners hear of the same number a moment later. All that was committed before under lower numbers was seen by the call,
   * and all that was committed with it, if the call is a patient one.
   */
  readonly onCommitted?: (number: number) => void;
  /**
   * Gives the input anew when the turn of the call comes, by a driver that lets calls wait: all calls made until then are
   * carried out before it, if it is a patient one.
   */
  readonly latestInput?: () => unknown;
  /** The write waits for one that makes a task ready, and is committed with it; only where `standsBy` says so. */
  readonly standby?: Standby;
}

/** Commits of one store by their numbers, from 1. */
export interface OwnCommits {
  readonly newest: number;
  /** The newest by which a task may have become ready; 0 when there was none. */
  readonly newestReadying: number;
}

export type CommitListener = (own?: OwnCommits) => void;

export interface Store {
  /** Whether a write may stand by for others. */
  readonly standsBy?: boolean;
  /**
   * Runs one command as a whole or not at all.
   *
   * A write resolves only once it is durable (INV-1). Calls take effect in the order they were made, each seeing
   * what those before it wrote. A call that throws undoes its own writes and no other's.
   *
   * @throws PerdureError whatever the command throws; `store-unreachable` or `store-damaged` when the database fails.
   */
  execute<Input, Result>(
    command: CommandDefinition<Input, Result>,
    input: Input,
    options?: ExecuteOptions,
  ): Promise<Result>;

  /**
   * Calls `listener` soon after anything may have been committed, by this process or another. Calls are coalesced
   * and may be spurious; what changed is found out by reading. `own` is given when nothing but this store's own commits is told
   * of, by a driver that numbers them. The returned function unsubscribes.
   */
  onCommit(listener: CommitListener): () => void;

  /**
   * Takes over the id of the project whose log is to be played into it, so that what is kept elsewhere under that id is
   * found again. Nobody else may use the store meanwhile. Absent where a driver cannot.
   *
   * @throws PerdureError `conflict` when anything was written to it
   */
  becomeProject?(project: ProjectIdentity): Promise<void>;

  /** Looks through everything stored. Takes long on a large store and holds up other calls. Absent where a driver cannot. */
  inspect?(): Promise<StoreInspection>;

  /** Finishes the calls already made, then releases everything. Safe to repeat. */
  close(): Promise<void>;
}

export interface ProjectIdentity {
  readonly projectId: string;
  readonly projectName: string;
  readonly projectCreatedAt: Millis;
}

export interface StoreInspection {
  /** Where it is: a file, or an address without secrets. */
  readonly location: string;
  readonly schemaVersion: number;
  /** What is damaged; empty when nothing is. */
  readonly problems: readonly string[];
}

export interface StoreDep {
  readonly store: Store;
}
