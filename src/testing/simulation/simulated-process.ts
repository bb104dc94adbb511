/**
 * One life of a simulated operating-system process: its own view of the store, the clock and the host. It dies before or
 * after a chosen store call, and then nothing of it goes on: no call is answered, no timer fires. Or it is paused, as by
 * SIGSTOP or a sleeping laptop, and goes on later without knowing.
 */

import type { Clock } from "../../base/clock.ts";
import type { Host } from "../../engine/host.ts";
import type { CommandDefinition } from "../../store/command.ts";
import type { ExecuteOptions, Store } from "../../store/port.ts";

export type FaultMode =
  /** Dies instead of making the call; calls not answered yet still take effect. */
  | "before"
  /** Dies instead of making the call, and calls not carried out yet are lost with it. */
  | "lost"
  /** The call takes effect; the process dies without hearing of it. */
  | "after"
  /** The call takes effect; the process hears of it only when it is woken again. */
  | "pause";

export interface Fault {
  /** Counted from 1 over the life of the process. */
  readonly atCall: number;
  readonly mode: FaultMode;
}

export interface SimulatedProcess {
  readonly pid: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly host: Host;
  readonly calls: number;
  readonly isAlive: boolean;
  readonly isPaused: boolean;
  /** It was paused at some time. */
  readonly wasPaused: boolean;
  /** The command at which the fault struck; `null` before it did. */
  readonly struckAt: string | null;
  kill(): void;
  wake(): void;
  /** From now on it makes its calls unharmed. */
  spare(): void;
}

export interface ProcessOptions {
  readonly pid: number;
  readonly hostId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly fault: Fault | null;
  /** Whether the process with a pid lives, on the same host. */
  readonly isAlive: (hostId: string, pid: number) => boolean;
  /** Told of every command that took effect, whether the process heard of it or not. */
  readonly onEffect: (command: string, input: unknown) => void;
  /** Counts calls the store has not answered. */
  readonly inFlight: { count: number };
}

const startTokenOf = (pid: number): string => `start-${pid}`;

export function createProcess(options: ProcessOptions): SimulatedProcess {
  return new Life(options);
}

class Life implements SimulatedProcess {
  readonly pid: number;
  readonly store: Store;
  readonly clock: Clock;
  readonly host: Host;
  calls = 0;
  isAlive = true;
  isPaused = false;
  wasPaused = false;
  struckAt: string | null = null;
  readonly #options: ProcessOptions;
  #fault: Fault | null;
  #isLost = false;
  /** What happens to it while it is paused. */
  #missed: (() => void)[] = [];

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#fault = options.fault;
    this.pid = options.pid;
    this.store = {
      execute: (command, input, executeOptions) => this.#execute(command, input, executeOptions),
      onCommit: (listener) => options.store.onCommit(() => this.#happen(listener)),
      close: () => Promise.resolve(),
    };
    this.clock = {
      now: () => options.clock.now(),
      setTimer: (delayMs, fire) => options.clock.setTimer(delayMs, () => this.#happen(fire)),
    };
    this.host = {
      id: options.hostId,
      pid: options.pid,
      startToken: startTokenOf(options.pid),
      startTokenOf: (pid) => (options.isAlive(options.hostId, pid) ? startTokenOf(pid) : null),
    };
  }

  kill(): void {
    this.isAlive = false;
    this.isPaused = false;
    this.#missed = [];
  }

  wake(): void {
    this.isPaused = false;
    for (const happen of this.#missed.splice(0)) this.#happen(happen);
  }

  spare(): void {
    this.#fault = null;
  }

  #happen(what: () => void): void {
    if (!this.isAlive) return;
    if (this.isPaused) this.#missed.push(what);
    else what();
  }

  #execute<Input, Result>(
    command: CommandDefinition<Input, Result>,
    input: Input,
    executeOptions: ExecuteOptions | undefined,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (!this.isAlive) return;
      this.calls += 1;
      const strikes = this.#fault?.atCall === this.calls ? this.#fault.mode : null;
      if (strikes !== null) this.struckAt = command.name;
      if (strikes === "before" || strikes === "lost") {
        this.#isLost = strikes === "lost";
        this.kill();
        return;
      }
      this.#send(command, input, executeOptions).then(
        (result) => {
          this.#options.onEffect(command.name, input);
          if (strikes === "after") this.kill();
          if (strikes === "pause") this.#pause();
          this.#happen(() => resolve(result));
        },
        (error: unknown) => {
          if (strikes === "after") this.kill();
          if (strikes === "pause") this.#pause();
          this.#happen(() => reject(error));
        },
      );
    });
  }

  #pause(): void {
    this.isPaused = true;
    this.wasPaused = true;
  }

  async #send<Input, Result>(
    command: CommandDefinition<Input, Result>,
    input: Input,
    executeOptions: ExecuteOptions | undefined,
  ): Promise<Result> {
    const mortal: CommandDefinition<Input, Result> = {
      ...command,
      perform: (context, given) => {
        if (this.#isLost) throw new Error("the process died before this call left it");
        return command.perform(context, given);
      },
    };
    this.#options.inFlight.count += 1;
    try {
      return await this.#options.store.execute(mortal, input, executeOptions);
    } finally {
      this.#options.inFlight.count -= 1;
    }
  }
}
