/** Copies of the change log, as the code that embeds Perdure uses them. */

import type { SinkReport } from "../replication/sink-report.ts";
import type { Project } from "./open-project.ts";
import { openProject } from "./open-project.ts";

export interface Replication {
  /** How far each copy that perdure.yaml names is, and what is wrong with it. Waits at most some seconds for each. */
  status(): Promise<readonly SinkReport[]>;
  /** Copies all that is missing now. Work does it by itself as it goes on; what fails is told of each copy. */
  sync(options?: { readonly signal?: AbortSignal }): Promise<readonly SinkReport[]>;
}

export function libraryReplication(project: Project): Replication {
  const load = async () => {
    const [report, { replicationOf }] = await Promise.all([
      import("../replication/sink-report.ts"),
      import("../operations/json/sink-report.ts"),
    ]);
    return { ...report, deps: replicationOf(project), sinks: project.config.replication };
  };
  return {
    async status() {
      const { inspectSinks, deps, sinks } = await load();
      return await inspectSinks(deps, sinks);
    },
    async sync({ signal } = {}) {
      const { syncSinks, deps, sinks } = await load();
      return await syncSinks(deps, sinks, signal);
    },
  };
}

export interface RestoreProjectOptions {
  /**
   * `redis://host:port/database#stream`, `firestore://project/collection`, the directory of a sink or of a jsonl store, or a
   * file that `perdure export --format project` wrote.
   */
  readonly from: string;
  /** The directory of the project, which must be empty. Default: the current one. */
  readonly project?: string;
  /** As for `openPerdure`. */
  readonly store?: string;
  /** Where the copy is damaged, end before that instead of refusing. Default `false`. */
  readonly partial?: boolean;
}

export interface RestoredProject {
  readonly project: { readonly id: string; readonly name: string };
  readonly changes: number;
  readonly lastSeq: number;
  /** What the log refers to and the copy does not have. */
  readonly missing: readonly { readonly hash: string; readonly kind: "value" | "artifact" }[];
  /** What is not as it was, in words. */
  readonly notices: readonly string[];
}

/**
 * Makes a project's store again from a copy of its change log, and verifies it. Open it with `openPerdure` afterwards. One
 * that was cut off goes on when it is called again, and until then nothing else opens the store.
 *
 * @throws PerdureError `conflict` for a project that is not empty; `not-found`; `store-damaged` for a copy that is not
 * whole; `invalid-input`, `store-unreachable`, `unsupported`
 */
export async function restoreProject(options: RestoreProjectOptions): Promise<RestoredProject> {
  const { from, partial = false, store = null } = options;
  const project = await openProject({
    directory: options.project ?? null,
    isExact: true,
    opensOnUse: true,
    isRestoring: true,
    store,
    durability: null,
    actor: "library",
    onWarning: (message) => process.emitWarning(message, "PerdureWarning"),
  });
  try {
    const [{ restore }, { runOperation }] = await Promise.all([
      import("../operations/restore.ts"),
      import("../operations/operation.ts"),
    ]);
    const {
      changes,
      lastSeq,
      missing,
      notices,
      project: restored,
    } = await runOperation(restore, project, {
      input: { from, partial },
    });
    return { project: restored, changes, lastSeq, missing, notices };
  } finally {
    await project.close();
  }
}
