/**
 * An operation is one use case of the product: a name, what goes in, what comes out, and what it does. The command line,
 * MCP and HTTP render operations and hold no logic of their own. Input and output are JSON: camelCase, ISO times,
 * milliseconds with the unit in the name.
 */

import * as v from "valibot";

import type { ClockDep } from "../base/clock.ts";
import { PerdureError } from "../base/errors.ts";
import type { RandomDep } from "../base/random.ts";
import type { Config } from "../config/config.ts";
import type { EnvironmentFingerprint } from "../domain/environment.ts";
import type { TaskStatus } from "../domain/task.ts";
import type { Executor } from "../engine/executor.ts";
import type { HostDep } from "../engine/host.ts";
import type { Embedder } from "../memory/embedder.ts";
import type { MemoryBackend } from "../memory/memory-backend.ts";
import type { ArtifactFiles } from "../store/artifact-files.ts";
import type { LogMirror } from "../store/log-mirror.ts";
import type { RepairStore } from "../repair/report.ts";
import type { StoreDep } from "../store/port.ts";

/** What operations are given: an open project. */
export interface OperationContext extends StoreDep, ClockDep, RandomDep, HostDep {
  /** Absolute. */
  readonly projectDir: string;
  /** Absolute: files and directories of the store, which are nobody else's, also where they lie in the project. */
  readonly storeFiles: readonly string[];
  readonly config: Config;
  readonly artifactFiles: ArtifactFiles;
  /** Whether the store is the one the project keeps in its directory. Another may be used there too, but the files beside are not its own. Default: it is. */
  readonly isOwnStore?: boolean;
  /** Whether there is a store; where there is none, the first use makes it. Default: there is. */
  readonly isBegun?: boolean;
  /** The mirror of the change log; absent or `null` where none is kept. */
  readonly logMirror?: LogMirror | null;
  /** For ranking by meaning; `null` when the application brought none. */
  readonly embedder: Embedder | null;
  /** Where working memory is kept, as configured. Connected on first use. */
  loadMemory(): Promise<MemoryBackend>;
  /** Mends the store, which need not be one that can be opened; absent where it has no other copies. */
  readonly repairStore?: RepairStore;
  /** Of a store that was opened to be restored; absent otherwise. */
  readonly restoreMark?: RestoreMark;
  /** The executors this process can carry out, loading those the configuration names on first use. */
  loadExecutors(): Promise<ReadonlyMap<string, Executor>>;
  /** What work is done in. Found out anew, which starts a git, unless one no older than `maxAgeMs` (default 0) is known. */
  environment(options?: { readonly maxAgeMs?: number }): Promise<EnvironmentFingerprint>;
}

/** As long as it is set, nobody opens the store but a restore. Set and cleared durably. */
export interface RestoreMark {
  isSet(): Promise<boolean>;
  set(): Promise<void>;
  clear(): Promise<void>;
}

export interface RunOptions {
  /** Ends a long operation early, in good order. */
  readonly signal?: AbortSignal;
  /** What a long operation tells while it goes on. */
  readonly onEvent?: (event: OperationEvent) => void;
}

/** Something that happened while work went on. */
export type OperationEvent =
  /** What could not be carried over from a plan. */
  | { readonly type: "notice"; readonly message: string }
  | {
      /** Before anything is begun: what is done already, and what is left. */
      readonly type: "session_opened";
      readonly sessionId: string;
      readonly name: string;
      /** Interrupted tasks that go on where they were. */
      readonly continued: number;
      /** Failed tasks that are tried again. */
      readonly retried: number;
      readonly counts: Readonly<Record<TaskStatus, number>>;
      readonly percent: number;
    }
  | {
      readonly type: "task_started";
      readonly taskId: string;
      readonly key: string | null;
      readonly title: string;
      readonly executionId: string;
      readonly attempt: number;
      readonly resumed: boolean;
    }
  | {
      readonly type: "task_ended";
      readonly taskId: string;
      readonly key: string | null;
      readonly title: string;
      readonly executionId: string;
      readonly outcome: string;
      readonly error: string | null;
    }
  | { readonly type: "recovered"; readonly executionId: string; readonly title: string; readonly why: string }
  | { readonly type: "waiting"; readonly until: string | null; readonly message: string };

export interface Operation<
  Input extends v.GenericSchema = v.GenericSchema,
  Output extends v.GenericSchema = v.GenericSchema,
> {
  /** `noun-verb` words joined by hyphens, such as `task-show`. */
  readonly name: string;
  /** One line, in the third person: "Shows a task." */
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
  run(context: OperationContext, input: v.InferOutput<Input>, options?: RunOptions): Promise<v.InferInput<Output>>;
}

export function defineOperation<Input extends v.GenericSchema, Output extends v.GenericSchema>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> {
  return operation;
}

/**
 * Runs an operation on input from outside.
 *
 * @throws PerdureError `invalid-input` naming each field that is wrong, before anything is done.
 */
export async function runOperation<Input extends v.GenericSchema, Output extends v.GenericSchema>(
  operation: Operation<Input, Output>,
  context: OperationContext,
  { input, options }: { readonly input: unknown; readonly options?: RunOptions },
): Promise<v.InferInput<Output>> {
  const parsed = v.safeParse(operation.input, input);
  if (parsed.success) return await operation.run(context, parsed.output, options);
  const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "input"}: ${issue.message}`);
  throw new PerdureError("invalid-input", {
    message: `Invalid input for ${operation.name}: ${problems.join("; ")}`,
    hint: "Correct these fields and try again; nothing was changed.",
    details: { problems },
  });
}
