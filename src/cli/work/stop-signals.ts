/** Ctrl-C and TERM: once asks for an end in good order, twice ends at once. */

import { writeError } from "../output.ts";

const INTERRUPTED_EXIT = 130;

export interface StopSignals {
  /** Aborts at the first signal, for the reason that `onFirst` gives, or when `stop` is called. */
  readonly signal: AbortSignal;
  stop(): void;
  /** Signals have their usual effect again. */
  release(): void;
}

/** `onFirst` tells the person that it was heard, and may say why the signal aborts. */
export function listenForStop(onFirst: (name: StopName) => unknown): StopSignals {
  const controller = new AbortController();
  const onSignal = (name: StopName): void => {
    if (controller.signal.aborted) endAtOnce();
    controller.abort(onFirst(name));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop: () => controller.abort(),
    release() {
      for (const name of SIGNALS) process.removeListener(name, onSignal);
    },
  };
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
export type StopName = (typeof SIGNALS)[number];

/** As if killed: what ran is taken over by whoever comes next. */
function endAtOnce(): never {
  writeError("stopped at once; `perdure resume` continues");
  process.exit(INTERRUPTED_EXIT);
}
