/** Runs one shell line from start to end: recorded before it begins, its output kept, and nothing of its group left behind. */

import type { ClockDep } from "../../base/clock.ts";
import type { ExecutionId } from "../../domain/ids.ts";
import type { HostDep } from "../../engine/host.ts";
import type { ProcessLedgerDep } from "../../engine/process-ledger.ts";
import { type FinishedOutput, openBoundedOutput } from "./bounded-output.ts";
import { type GatedShell, type ShellEnd, type ShellOptions, startGatedShell } from "./gated-shell.ts";
import { endGroup } from "./process-group.ts";

/** How long output may still come in after the shell has ended, from processes it left behind. */
const DRAIN_MS = 1_000;

export type RunLineDeps = ProcessLedgerDep & HostDep & ClockDep;

export interface RunLine extends ShellOptions {
  readonly executionId: ExecutionId;
  /** From TERM to KILL. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
  readonly outputPath: string;
  readonly ringPath: string;
  readonly outputLimitBytes: number;
}

export interface LineOutcome {
  readonly end: ShellEnd | { readonly kind: "stopped"; readonly reason: unknown };
  readonly output: FinishedOutput;
  readonly durationMs: number;
}

/**
 * Resolves when the shell has ended and its whole process group is gone: what it left running in the background is ended too.
 * When `signal` aborts, ends the group first; the outcome is `stopped` then, whatever exit code came of it.
 *
 * @throws PerdureError `conflict` when a process cannot be ended; its record stays in the ledger.
 */
export async function runLine(deps: RunLineDeps, options: RunLine): Promise<LineOutcome> {
  const { outputPath: path, ringPath, outputLimitBytes: limitBytes } = options;
  const output = await openBoundedOutput({ path, ringPath, limitBytes });
  let finished: FinishedOutput | null = null;
  try {
    const startedAt = deps.clock.now();
    const shell = await startGatedShell(options);
    const reading = (async () => {
      for await (const chunk of shell.output) await output.write(chunk);
    })().catch(() => {
      // Destroyed below, when someone outside the group still holds the pipe: there is no more to read.
    });
    const end = await guideToEnd(deps, shell, { ...options, reading });
    const durationMs = deps.clock.now() - startedAt;
    finished = await output.finish();
    return { end, output: finished, durationMs };
  } finally {
    if (finished === null) await output.finish();
  }
}

async function guideToEnd(
  deps: RunLineDeps,
  shell: GatedShell,
  options: RunLine & { readonly reading: Promise<void> },
): Promise<LineOutcome["end"]> {
  const { executionId, signal, graceMs, reading } = options;
  const { pid: groupId } = shell;
  const stop = whenAborted(signal);
  try {
    const isRecorded = await record(deps, shell, executionId);
    if (isRecorded && !signal.aborted) shell.open();
    else shell.abandon();
    const first = await Promise.race([shell.ended, stop.aborted]);
    const isStopped = first === "aborted";
    if (!isStopped) await settledWithin(deps, reading, DRAIN_MS);
    await endGroup(deps, { groupId, graceMs });
    await shell.ended;
    await settledWithin(deps, reading, DRAIN_MS);
    // Leaving the record behind is harmless: whoever reads it finds that the process is gone.
    await deps.processLedger.forget(executionId, groupId).catch(() => {});
    return isStopped ? { kind: "stopped", reason: signal.reason } : first;
  } finally {
    stop.release();
    shell.abandon();
    shell.output.destroy();
    await reading;
  }
}

/** Whether the shell is in the ledger now. */
async function record(deps: RunLineDeps, shell: GatedShell, executionId: ExecutionId): Promise<boolean> {
  try {
    const startToken = deps.host.startTokenOf(shell.pid);
    // Null: someone killed it at the gate, and `ended` tells the rest.
    if (startToken === null) return false;
    const process = { host: deps.host.id, pid: shell.pid, startToken };
    await deps.processLedger.record(executionId, process);
    return true;
  } catch (error) {
    shell.abandon();
    await shell.ended;
    throw error;
  }
}

function whenAborted(signal: AbortSignal): {
  readonly aborted: Promise<"aborted">;
  readonly release: () => void;
} {
  let onAbort = (): void => {};
  const aborted = new Promise<"aborted">((resolve) => {
    onAbort = () => resolve("aborted");
  });
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return { aborted, release: () => signal.removeEventListener("abort", onAbort) };
}

async function settledWithin(deps: ClockDep, work: Promise<void>, withinMs: number): Promise<void> {
  let cancel = (): void => {};
  const timeout = new Promise<void>((resolve) => {
    cancel = deps.clock.setTimer(withinMs, resolve);
  });
  await Promise.race([work, timeout]);
  cancel();
}
