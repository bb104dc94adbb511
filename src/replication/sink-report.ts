/** How far each sink of a project is, and bringing them up to date now. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { ClockDep, Millis } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import { isPerdureError, PerdureError } from "../base/errors.ts";
import { fileLock } from "../base/file-lock.ts";
import type { RandomDep } from "../base/random.ts";
import type { SinkConfig } from "../config/config.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import { countChangesAfter } from "../store/commands/changes.ts";
import { findProvenEnd, logCopier } from "./log-copier.ts";
import type { LogReaderDeps } from "./log-reader.ts";
import { openSink, sinkKey, sinkName } from "./open-sink.ts";
import type { Sink } from "./sink.ts";
import { nextFailure, REPLICATION_DIRECTORY, sinkState } from "./sink-state.ts";

export interface SinkReportDeps extends LogReaderDeps, ClockDep, RandomDep {
  readonly artifactFiles: ArtifactFiles;
  /** Paths are relative to it, and `.perdure` is in it. */
  readonly projectDir: string;
}

export interface SinkReport {
  readonly kind: SinkConfig["sink"];
  /** Without secrets. */
  readonly name: string;
  /** The last change it holds; `null` when it cannot be told. */
  readonly lastSeq: number | null;
  /** How many changes of the store it does not hold; `null` when it cannot be told. */
  readonly lag: number | null;
  /** Why it is not usable; `null` when it is. */
  readonly problem: { readonly message: string; readonly hint: string | null } | null;
  /** Since when copying into it has failed; `null` when the last attempt went well. */
  readonly failingSince: Millis | null;
}

/** Most that is waited for one that does not answer. */
const ANSWER_MS = 5_000;
const LOCK_MS = 60_000;

/** Looks at them side by side. */
export function inspectSinks(deps: SinkReportDeps, sinks: readonly SinkConfig[]): Promise<readonly SinkReport[]> {
  return Promise.all(
    sinks.map((config) =>
      report(deps, config, async (sink) => {
        const end = findProvenEnd({ store: deps.store, sink });
        return await withDeadline(end, { ms: ANSWER_MS, late: () => unanswered(config) });
      }),
    ),
  );
}

/** Copies all that is missing, however long it takes. What fails is told of each. */
export async function syncSinks(
  deps: SinkReportDeps,
  sinks: readonly SinkConfig[],
  signal?: AbortSignal,
): Promise<readonly SinkReport[]> {
  const directory = join(deps.projectDir, ".perdure", REPLICATION_DIRECTORY);
  await mkdir(directory, { recursive: true });
  return await Promise.all(sinks.map((config) => report(deps, config, (sink) => sync(deps, { config, sink, signal }))));
}

interface Sync {
  readonly config: SinkConfig;
  readonly sink: Sink;
  readonly signal: AbortSignal | undefined;
}

async function sync(deps: SinkReportDeps, { config, sink, signal }: Sync): Promise<number> {
  const { maxArtifactBytes } = config;
  const lock = fileLock(join(deps.projectDir, ".perdure", REPLICATION_DIRECTORY, `${sinkKey(config)}.lock`));
  const state = stateOf(deps, config);
  try {
    if (!(await lock.acquire({ waitMs: LOCK_MS, ...(signal === undefined ? {} : { signal }) }))) throw busy(config);
    const copier = logCopier({ ...deps, sink, maxArtifactBytes });
    for (;;) {
      const { lastSeq, isCaughtUp } = await copier.copy();
      await state.clear();
      if (isCaughtUp || signal?.aborted === true) return lastSeq;
    }
  } catch (error) {
    if (isPerdureError(error)) await state.set(nextFailure(await state.find(), error.message, deps.clock.now()));
    throw error;
  } finally {
    lock.close();
  }
}

async function report(
  deps: SinkReportDeps,
  config: SinkConfig,
  look: (sink: Sink) => Promise<number>,
): Promise<SinkReport> {
  const about = { kind: config.sink, name: sinkName(config) };
  let sink: Sink | null = null;
  try {
    const opening = openSink(config, { directory: deps.projectDir, random: deps.random });
    sink = await withDeadline(opening, { ms: ANSWER_MS, late: () => unanswered(config) });
    const lastSeq = await look(sink);
    const lag = await deps.store.execute(countChangesAfter, { seq: lastSeq });
    return { ...about, lastSeq, lag, problem: null, failingSince: await failingSince(deps, config) };
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    const problem = { message: error.message, hint: error.hint };
    return { ...about, lastSeq: null, lag: null, problem, failingSince: await failingSince(deps, config) };
  } finally {
    sink?.abandon();
  }
}

async function failingSince(deps: SinkReportDeps, config: SinkConfig): Promise<Millis | null> {
  return (await stateOf(deps, config).find())?.since ?? null;
}

function stateOf({ projectDir }: SinkReportDeps, config: SinkConfig) {
  return sinkState(join(projectDir, ".perdure", REPLICATION_DIRECTORY), sinkKey(config));
}

function unanswered(config: SinkConfig): PerdureError {
  return new PerdureError("store-unreachable", {
    message: `${sinkName(config)} did not answer within ${ANSWER_MS / 1_000} s`,
    hint: "Check that it runs and that this machine reaches it.",
  });
}

function busy(config: SinkConfig): PerdureError {
  return new PerdureError("conflict", {
    message: `Another process is copying into ${sinkName(config)} all the while`,
    hint: "It goes on with it; `perdure replication status` tells how far it is.",
  });
}
