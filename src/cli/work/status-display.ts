/** Shows the status of a session again and again: redrawn in place, a line for each change, or lines of JSON. */

import type { Output } from "../output.ts";
import { safeLine } from "../terminal/ansi.ts";
import { createLiveRegion } from "../terminal/live-region.ts";
import type { StatusData } from "../text/status-text.ts";
import { progressWords, statusText } from "../text/status-text.ts";
import { workFrame } from "./work-frame.ts";

export interface StatusDisplay {
  show(status: StatusData): void;
  end(): void;
}

export function createStatusDisplay(output: Output): StatusDisplay {
  if (output.isLive) return liveDisplay(output);
  let last = "";
  return {
    show(status) {
      const { session, counts, progress, running } = status;
      // Time alone is no change.
      const key = JSON.stringify([
        session.status,
        counts,
        progress.percent,
        progress.message,
        running.map(({ step }) => step),
      ]);
      if (key === last) return;
      last = key;
      if (output.isJson) output.printEvent({ type: "status", ...status });
      else output.print(`${safeLine(session.name)}  ${session.status}  ${progressWords(status, output.view().now)}`);
    },
    end() {},
  };
}

function liveDisplay(output: Output): StatusDisplay {
  const region = createLiveRegion(output.draw);
  let turn = 0;
  let last: StatusData | null = null;
  return {
    show(status) {
      last = status;
      turn += 1;
      const { paint, width, now } = output.view();
      region.show(workFrame(status, { paint, width, height: process.stdout.rows ?? 24, now, turn, note: null }));
    },
    end() {
      region.end();
      if (last !== null) output.print(statusText(last, output.view()));
    },
  };
}
