/**
 * What a driver needs that keeps what is committed somewhere else, and the database in memory only as a picture of it: to
 * be asked before each group of calls, before it is committed, and after it.
 */

import type { ProjectId } from "../../domain/ids.ts";
import type { CommandDefinition } from "../command.ts";
import type { ProjectIdentity, Store } from "../port.ts";
import type { ProjectRow } from "./project-row.ts";

export interface StoreHooks {
  /**
   * Before a group is begun, with whether it writes. `null` when it may begin now. Otherwise it is asked again once the
   * promise has resolved; when that rejects, the calls that wait are refused with its error.
   */
  beforeGroup(writes: boolean): Promise<void> | null;
  /** Inside the transaction of a group that writes. What it throws undoes the group and refuses its calls. */
  beforeCommit(): void;
  /** Whenever a group that was begun is over, however it ended. */
  afterGroup(): void;
  /** Calls `look` when others may have written. The returned function stops it. */
  watch(look: () => void): () => void;
}

export interface HookedStore extends Store {
  readonly projectId: ProjectId;
  becomeProject(project: ProjectIdentity): Promise<void>;
  /** Runs a command at once: in the transaction of the group if one is open, else in one of its own. For the hooks. */
  runNow<Input, Result>(command: CommandDefinition<Input, Result>, input: Input): Result;
  /** Puts another project in the place of the one made on opening, of which nothing may have been written yet. */
  adoptProject(project: ProjectRow): void;
  /** Others have written: listeners are told, and the next groups leave room. */
  noticeOthers(): void;
}
