/** Carries out a task that is a shell line, in a process group of its own that never outlives the execution's lease. */

import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { ClockDep } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import { type Random, systemRandom } from "../../base/random.ts";
import type { ExecutionId } from "../../domain/ids.ts";
import { LIMITS } from "../../domain/limits.ts";
import { NonRetryable, RetryAfter, retryDelayMs } from "../../domain/retry-policy.ts";
import { COMMAND_EXECUTOR } from "../../domain/task.ts";
import type { Executor } from "../../engine/executor.ts";
import type { HostDep } from "../../engine/host.ts";
import type { ProcessLedgerDep } from "../../engine/process-ledger.ts";
import type { Run, StepVerdict } from "../../engine/run.ts";
import { parseTaskInput } from "../task-input.ts";
import { type CommandInput, commandInputSchema } from "./command-input.ts";
import { type CommandResult, EXIT, lastLines, toCommandResult, toFailure } from "./command-outcome.ts";
import { endOrphans, EXECUTION_ID_VARIABLE } from "./orphans.ts";
import { DEFAULT_GRACE_MS } from "./process-group.ts";
import { watchProgressFile } from "./progress-file.ts";
import { type LineOutcome, runLine } from "./run-line.ts";

export interface CommandLimits {
  /** Of the output that is kept; its middle is left out beyond. Default `LIMITS.outputBytes`. */
  readonly outputBytes?: number;
  /** From TERM to KILL. Default 5 s. */
  readonly graceMs?: number;
}

export interface CommandExecutorOptions extends ProcessLedgerDep, HostDep, ClockDep {
  /** Where commands run. */
  readonly projectDir: string;
  /** Holds output until it is moved into the store, so best on the store's file system. Default: the system's. */
  readonly artifactsTempDir?: string;
  readonly limits?: CommandLimits;
  /** For the delay of a command that asks to be retried later. */
  readonly random?: Random;
}

interface Attempt extends Required<CommandExecutorOptions> {
  readonly limits: Required<CommandLimits>;
  readonly run: Run;
  readonly input: CommandInput;
}

export function commandExecutor(options: CommandExecutorOptions): Executor {
  const { outputBytes = LIMITS.outputBytes, graceMs = DEFAULT_GRACE_MS } = options.limits ?? {};
  const settings = {
    ...options,
    artifactsTempDir: options.artifactsTempDir ?? tmpdir(),
    limits: { outputBytes, graceMs },
    random: options.random ?? systemRandom,
  };
  return {
    name: COMMAND_EXECUTOR,
    async endLeftovers(executionId) {
      await endOrphans(settings, { executionId, graceMs });
    },
    async execute(run) {
      const input = await parseTaskInput(commandInputSchema, run.task);
      const attempt: Attempt = { ...settings, run, input };
      await endOrphans(settings, { executionId: run.executionId, graceMs });
      await removeLeftFiles(attempt);
      if (input.effect === "repeatable") return carryOut(attempt, run.signal);
      const { verify } = input;
      return run.step<CommandResult>("command", ({ signal }) => carryOut(attempt, signal), {
        effect: "once",
        ...(verify && { verify: ({ signal }) => findOut(attempt, verify, signal) }),
      });
    },
  };
}

async function carryOut(attempt: Attempt, signal: AbortSignal): Promise<CommandResult> {
  const { run, input } = attempt;
  return inPrivateDirectory(attempt, async (directory) => {
    const outcome = await runInDirectory(attempt, { line: input.run, signal, directory });
    await keepOutput(run, outcome, outputPathIn(directory));
    if (outcome.end.kind !== "exited") throw toFailure(outcome);
    if (outcome.end.code === EXIT.done) return toCommandResult(outcome);
    if (outcome.end.code !== EXIT.tempfail) throw toFailure(outcome);
    throw new RetryAfter(`The command asks to be retried later: ${toFailure(outcome).message}`, {
      delayMs: retryDelayMs(run.task.retry, run.attempt, attempt.random),
    });
  });
}

/** Whether the command took place, which its `verify` line knows. @throws when that line can tell neither. */
async function findOut(attempt: Attempt, line: string, signal: AbortSignal): Promise<StepVerdict<CommandResult>> {
  return inPrivateDirectory(attempt, async (directory) => {
    const outcome = await runInDirectory(attempt, { line, signal, directory });
    const code = outcome.end.kind === "exited" ? outcome.end.code : null;
    if (code === EXIT.done) return { done: true, result: toCommandResult(outcome) };
    if (code === EXIT.notDone) return { done: false };
    throw new Error(`verify could not tell: ${toFailure(outcome).message}`);
  });
}

async function runInDirectory(
  attempt: Attempt,
  options: { readonly line: string; readonly signal: AbortSignal; readonly directory: string },
): Promise<LineOutcome> {
  const { run, input, limits } = attempt;
  const { line, signal, directory } = options;
  const cwd = await getWorkingDirectory(attempt.projectDir, input.cwd);
  const progressPath = join(directory, "progress");
  const report = run.progress.bind(run);
  const progress = await watchProgressFile(attempt, { path: progressPath, report });
  try {
    return await runLine(attempt, {
      executionId: run.executionId,
      line,
      cwd,
      env: { ...process.env, ...input.env, ...variablesOf(run), PERDURE_PROGRESS: progressPath },
      graceMs: limits.graceMs,
      signal,
      pipePath: join(directory, "pipe"),
      outputPath: outputPathIn(directory),
      ringPath: join(directory, "ring"),
      outputLimitBytes: limits.outputBytes,
    });
  } finally {
    await progress.close();
  }
}

function variablesOf(run: Run): NodeJS.ProcessEnv {
  return {
    PERDURE_TASK_ID: run.taskId,
    [EXECUTION_ID_VARIABLE]: run.executionId,
    PERDURE_ATTEMPT: String(run.attempt),
    PERDURE_IDEMPOTENCY_KEY: run.idempotencyKey,
  };
}

/** The command's outcome stands whatever becomes of its output, or a full disk would make a command run twice. */
async function keepOutput(run: Run, { output }: LineOutcome, path: string): Promise<void> {
  try {
    if (output.failure !== null) throw output.failure;
    await run.artifact({
      name: `output-${run.attempt}.log`,
      mediaType: "text/plain",
      content: { movedFrom: path },
    });
  } catch (error) {
    const said = lastLines(output);
    const message = `The command's output could not be kept: ${messageOf(error)}; it ended with: ${said}`;
    // Fails when the lease is lost or the store is gone, which whoever records the outcome is about to find out.
    await run.log(message).catch(() => {});
  }
}

async function getWorkingDirectory(projectDir: string, cwd: string): Promise<string> {
  const directory = resolve(projectDir, cwd);
  const found = await stat(directory).catch(() => null);
  if (found?.isDirectory()) return directory;
  throw new NonRetryable(`The directory to run in does not exist: ${directory}`);
}

async function inPrivateDirectory<T>(attempt: Attempt, use: (directory: string) => Promise<T>): Promise<T> {
  await mkdir(attempt.artifactsTempDir, { recursive: true });
  const prefix = privatePrefix(attempt.run.executionId);
  const directory = await mkdtemp(join(attempt.artifactsTempDir, prefix));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Of an earlier run of this execution whose process was killed. */
async function removeLeftFiles({ artifactsTempDir, run }: Attempt): Promise<void> {
  const names = await readdir(artifactsTempDir).catch(() => []);
  const prefix = privatePrefix(run.executionId);
  for (const name of names.filter((entry) => entry.startsWith(prefix))) {
    await rm(join(artifactsTempDir, name), { recursive: true, force: true });
  }
}

function privatePrefix(executionId: ExecutionId): string {
  return `perdure-${executionId}-`;
}

function outputPathIn(directory: string): string {
  return join(directory, "output");
}
