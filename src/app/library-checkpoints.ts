/** `perdure.checkpoints`: points of a session to return to, to fork from and to compare, from code. */

import type { Checkpoint, CheckpointKind } from "../domain/checkpoint.ts";
import type { EnvironmentDifference } from "../domain/environment.ts";
import type { CheckpointId } from "../domain/ids.ts";
import type { Session } from "../domain/session.ts";
import { makeCheckpoint } from "../operations/checkpoint-create.ts";
import type { CheckpointDifference } from "../operations/checkpoint-diff.ts";
import { differenceBetween } from "../operations/checkpoint-diff.ts";
import { forkFrom } from "../operations/checkpoint-fork.ts";
import { returnTo } from "../operations/checkpoint-restore.ts";
import type { CheckpointPage } from "../store/commands/checkpoints.ts";
import { getCheckpoint, listCheckpoints, resolveCheckpoint } from "../store/commands/checkpoints.ts";
import type { Restored } from "../store/commands/restore.ts";
import { resolveSession } from "../store/commands/task-queries.ts";
import type { Restored as RestoredFiles } from "../workspace/workspace.ts";
import { checkedCalls } from "./checked-calls.ts";
import { CHECKPOINT_SHAPES } from "./library-shapes.ts";
import type { Project } from "./open-project.ts";

export interface CheckpointOptions {
  /** Default `manual`. */
  readonly label?: string;
  /** With a snapshot of the project's files. Default: as configured. */
  readonly workspace?: boolean;
}

export interface RestoreOptions {
  /** How long what runs may take to its next step boundary before it is cut off. Default 10,000. */
  readonly waitMs?: number;
  /** Restore also into an environment that does not fit. */
  readonly force?: boolean;
  /** The project's files too; what they were is kept with `undo`. Default: no. */
  readonly workspace?: boolean;
}

export interface RestoredCheckpoint extends Restored {
  /** What is different in the environment since the checkpoint. */
  readonly differences: readonly EnvironmentDifference[];
  /** What became of the files; `null` when they were not asked for. */
  readonly files: Pick<RestoredFiles, "written" | "deleted" | "leftAlone"> | null;
}

/** Wherever a checkpoint is named: its id, the beginning of one, or its label (the newest of that label). */
export interface Checkpoints {
  /** Takes the same time whatever the session holds; a snapshot of the files takes longer. */
  create(session: string, options?: CheckpointOptions): Promise<Checkpoint>;
  /** @throws PerdureError `not-found` */
  get(reference: string): Promise<Checkpoint>;
  /** Newest first, a page at a time. */
  list(
    session: string,
    filter?: { readonly kinds?: readonly CheckpointKind[]; readonly before?: number; readonly limit?: number },
  ): Promise<CheckpointPage>;
  /**
   * Returns its session to the checkpoint, after keeping what is replaced as another (`undo`). What runs is stopped first,
   * in whichever process; the session is paused then.
   *
   * @throws PerdureError `store-damaged` for a damaged checkpoint, naming the newest sound one; `environment-mismatch`;
   * `wrong-state` when it holds no snapshot of the files and they are asked for
   */
  restore(reference: string, options?: RestoreOptions): Promise<RestoredCheckpoint>;
  /** A session of its own as the checkpoint's was, paused until it is resumed. */
  fork(reference: string, options?: { readonly name?: string }): Promise<Session>;
  /** What differs from one checkpoint to another of its session, or to the present. */
  diff(from: string, to?: string): Promise<CheckpointDifference>;
}

export function libraryCheckpoints(project: Project): Checkpoints {
  const { store } = project;
  const find = (reference: string): Promise<CheckpointId> => store.execute(resolveCheckpoint, { reference });
  const api: Checkpoints = {
    async create(session, { label, workspace } = {}) {
      const sessionId = await store.execute(resolveSession, { reference: session });
      return await makeCheckpoint(project, { sessionId, label: label ?? null, withFiles: workspace ?? null });
    },
    get: async (reference) => await store.execute(getCheckpoint, { checkpointId: await find(reference) }),
    async list(session, { kinds, before, limit } = {}) {
      const sessionId = await store.execute(resolveSession, { reference: session });
      const page = { kinds: kinds ?? null, before: before ?? null, limit: limit ?? 20 };
      return await store.execute(listCheckpoints, { sessionId, ...page });
    },
    async restore(reference, { waitMs = 10_000, force = false, workspace = false } = {}) {
      const to = { checkpointId: await find(reference), waitMs, force, withFiles: workspace };
      const { restored, differences, files } = await returnTo(project, to);
      return { ...restored, differences, files };
    },
    fork: async (reference, { name } = {}) =>
      await forkFrom(project, { checkpointId: await find(reference), name: name ?? null }),
    diff: async (from, to) =>
      await differenceBetween(project, { from: await find(from), to: to === undefined ? null : await find(to) }),
  };
  return checkedCalls("perdure.checkpoints", api, CHECKPOINT_SHAPES);
}
