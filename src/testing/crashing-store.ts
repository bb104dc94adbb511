/**
 * Fault injection: a store whose user dies at a chosen call. Nothing is thrown, because a dead process learns nothing: the
 * call and every later one never settle, and no commit is heard of any more. The store behind it lives on, as a file does.
 */

import type { CommandDefinition } from "../store/command.ts";
import type { ExecuteOptions, Store } from "../store/port.ts";

export interface CrashPoint {
  /** Which call, counted from 1; a number that is never reached is no crash at all. */
  readonly call: number;
  /** `before` it had any effect, or `after` it was committed but before its caller was told. */
  readonly moment: "before" | "after";
}

export interface CrashingStore extends Store {
  /** Settles at the crash. */
  readonly crashed: Promise<void>;
  /** Calls so far, the fatal one included. */
  readonly callCount: number;
}

export function crashingStore(store: Store, point: CrashPoint): CrashingStore {
  let callCount = 0;
  let isDead = false;
  let die = (): void => {};
  const crashed = new Promise<void>((resolve) => {
    die = () => {
      isDead = true;
      resolve();
    };
  });

  const execute = async <Input, Result>(
    command: CommandDefinition<Input, Result>,
    input: Input,
    options?: ExecuteOptions,
  ): Promise<Result> => {
    if (isDead) return never();
    callCount += 1;
    const isFatal = callCount === point.call;
    if (isFatal && point.moment === "before") {
      die();
      return never();
    }
    const settled = await settle(store.execute(command, input, options));
    if (isFatal) die();
    // Also a call that was on its way when another one was fatal.
    if (isDead) return never();
    if ("error" in settled) throw settled.error;
    return settled.result;
  };

  return {
    execute,
    onCommit: (listener) =>
      store.onCommit(() => {
        if (!isDead) listener();
      }),
    /** Leaves the store behind it open: its owner closes that. */
    close: async () => {},
    crashed,
    get callCount() {
      return callCount;
    },
  };
}

async function settle<T>(call: Promise<T>): Promise<{ readonly result: T } | { readonly error: unknown }> {
  try {
    return { result: await call };
  } catch (error) {
    // Handed on to the caller, unless that is dead by now.
    return { error };
  }
}

function never(): Promise<never> {
  return new Promise<never>(() => {});
}
