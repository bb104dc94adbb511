/** `perdure watch` */

import type { Project } from "../../app/open-project.ts";
import type { SessionId } from "../../domain/ids.ts";
import { asId } from "../../domain/ids.ts";
import { followChanges } from "../../operations/log-follow.ts";
import { runOperation } from "../../operations/operation.ts";
import { status as statusOperation } from "../../operations/status.ts";
import type { StatusData } from "../text/status-text.ts";
import type { Verb } from "../verb.ts";
import { createStatusDisplay } from "../work/status-display.ts";
import { listenForStop } from "../work/stop-signals.ts";

export const watch: Verb = {
  arguments: [
    { name: "SESSION", help: "an id, the beginning of one, or a name (default: the present one)", isOptional: true },
  ],
  options: [],
  notes: "Ends with the session. Ctrl-C ends watching, not the work. With --json each change of status is one line.",
  async run({ args, output, open }) {
    const project = await open("existing");
    const display = createStatusDisplay(output);
    const stop = listenForStop(() => {});
    output.onClosed(stop.stop);
    try {
      // The same session to the end, also when another begins.
      const { session } = await readStatus(project, args.text("SESSION"));
      const changes = watchChanges(project, asId(session.id), stop.signal);
      for (;;) {
        const status = await readStatus(project, session.id);
        display.show(status);
        if (stop.signal.aborted || ENDED.has(status.session.status)) return 0;
        await changes.next(output.isLive ? TICK_MS : null);
      }
    } finally {
      display.end();
      stop.stop();
      stop.release();
    }
  },
};

const ENDED: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);
/** The time that passes is shown too. */
const TICK_MS = 1_000;
/** Changes that come in quick succession are shown together. */
const GATHER_MS = 150;
const LINES = 20;

async function readStatus(project: Project, session: string | null): Promise<StatusData> {
  return await runOperation(statusOperation, project, { input: { session, lines: LINES } });
}

interface Changes {
  /** Resolves after the next change, when following ended, or after `tickMs`. @throws what following threw. */
  next(tickMs: number | null): Promise<void>;
}

function watchChanges(project: Project, sessionId: SessionId, signal: AbortSignal): Changes {
  let hasChanged = false;
  let failure: unknown = null;
  let wake = (): void => {};
  const changed = (): void => {
    hasChanged = true;
    wake();
  };
  const filter = { sessionId, taskId: null, kind: null, after: null };
  followChanges(project, filter, changed, signal).then(changed, (error: unknown) => {
    failure = error;
    changed();
  });
  return {
    async next(tickMs) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (hasChanged) resolve();
        else if (tickMs !== null) timer = setTimeout(resolve, tickMs);
      });
      clearTimeout(timer);
      if (failure !== null) throw failure;
      if (hasChanged && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      hasChanged = false;
    },
  };
}
