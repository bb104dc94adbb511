/** Shows work while it goes on: lines of JSON, plain lines, or a live region on a terminal. */

import type { OperationEvent } from "../../operations/operation.ts";
import type { Output } from "../output.ts";
import { createLiveRegion } from "../terminal/live-region.ts";
import type { StatusData } from "../text/status-text.ts";
import { createEventLines } from "./event-lines.ts";
import { workFrame } from "./work-frame.ts";

export interface WorkDisplay {
  onEvent(event: OperationEvent): void;
  /** Something to be told apart from the work, such as that the end was asked for. */
  note(text: string): void;
  end(): void;
}

export interface WorkSource {
  status(sessionId: string): Promise<StatusData>;
}

export function createWorkDisplay(output: Output, source: WorkSource): WorkDisplay {
  if (output.isJson) return { onEvent: output.printEvent, note: () => {}, end: () => {} };
  if (output.isLive) return liveDisplay(output, source);
  const lines = createEventLines();
  return {
    onEvent(event) {
      if (!output.isQuiet) output.print(lines.lineOf(event, output.view()));
    },
    note: output.remark,
    end: () => {},
  };
}

const TURN_MS = 100;
/** How often the store is asked where the work stands. */
const LOOK_MS = 500;

function liveDisplay(output: Output, source: WorkSource): WorkDisplay {
  const region = createLiveRegion(output.draw);
  const lines = createEventLines();
  let sessionId: string | null = null;
  let status: StatusData | null = null;
  let note: string | null = null;
  let turn = 0;
  let isLooking = false;
  let hasEnded = false;
  const draw = (): void => {
    if (status === null || hasEnded) return;
    const { paint, width, now } = output.view();
    region.show(workFrame(status, { paint, width, height: process.stdout.rows ?? 24, now, turn, note }));
  };
  const look = (): void => {
    if (sessionId === null || isLooking || hasEnded) return;
    isLooking = true;
    source
      .status(sessionId)
      .then(
        (found) => {
          status = found;
          draw();
        },
        // The work itself tells when the store cannot be read.
        () => {},
      )
      .finally(() => {
        isLooking = false;
      });
  };
  const turning = setInterval(() => {
    turn += 1;
    if (turn % Math.round(LOOK_MS / TURN_MS) === 0) look();
    draw();
  }, TURN_MS);
  turning.unref();
  return {
    onEvent(event) {
      // What runs is in the region; what has begun need not scroll by.
      if (event.type === "session_opened") sessionId = event.sessionId;
      if (event.type !== "task_started" && event.type !== "waiting") region.above(lines.lineOf(event, output.view()));
      else lines.lineOf(event, output.view());
      note = event.type === "waiting" ? `waiting: ${event.message}` : note?.startsWith("waiting: ") ? null : note;
      look();
    },
    note(text) {
      note = text;
      draw();
    },
    end() {
      hasEnded = true;
      clearInterval(turning);
      region.end();
    },
  };
}
