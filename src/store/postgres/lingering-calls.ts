/**
 * Calls that wait for a quiet moment: what they do takes many round trips, which others would have to wait for. They are not
 * put off for ever.
 */

import type { Call } from "./calls.ts";

/** How many times its own wait a call may be put off while others are on their way. */
const MOST_WAITS = 10;

export interface LingeringOptions {
  readonly isBusy: () => boolean;
  /** It is their turn. */
  readonly onDue: (calls: readonly Call[]) => void;
}

export class LingeringCalls {
  readonly #options: LingeringOptions;
  #calls: Call[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LingeringOptions) {
    this.#options = options;
  }

  add(call: Call, lingerMs: number): void {
    this.#calls.push(call);
    this.#timer ??= setTimeout(() => this.#look(lingerMs, 1), lingerMs);
  }

  /** All of them, which wait no longer. */
  take(): readonly Call[] {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return this.#calls.splice(0);
  }

  #look(lingerMs: number, waits: number): void {
    if (this.#options.isBusy() && waits < MOST_WAITS) {
      this.#timer = setTimeout(() => this.#look(lingerMs, waits + 1), lingerMs);
    } else this.#options.onDue(this.take());
  }
}
