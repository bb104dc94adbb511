/** Works a session from the command line: shows it going on, hears Ctrl-C, sums up, and knows the exit code. */

import type { Project } from "../../app/open-project.ts";
import type { RunOptions } from "../../operations/operation.ts";
import { runOperation } from "../../operations/operation.ts";
import { status as statusOperation } from "../../operations/status.ts";
import { listOption } from "../list-options.ts";
import type { Call, StoreMode } from "../verb.ts";
import { listenForStop } from "./stop-signals.ts";
import { createWorkDisplay } from "./work-display.ts";
import type { WorkedData } from "./work-summary.ts";
import { workSummary } from "./work-summary.ts";

export const STOPPING = "stopping at the next step boundary; press Ctrl-C again to stop at once";

const EXITS: Readonly<Record<WorkedData["end"], number>> = {
  completed: 0,
  scheduled: 0,
  failed: 1,
  blocked: 1,
  cancelled: 1,
  interrupted: 130,
};

/** What `run` and `resume` take alike. */
export function workInput({ args }: Pick<Call, "args">) {
  return {
    concurrency: args.number("concurrency"),
    labels: listOption(args, "labels"),
    wait: args.flag("wait"),
    tick: args.flag("tick"),
    force: args.flag("force"),
  };
}

export async function workCall(
  { output, open }: Call,
  mode: StoreMode,
  start: (project: Project, options: RunOptions) => Promise<WorkedData>,
): Promise<number> {
  const project = await open(mode);
  const display = createWorkDisplay(output, {
    status: (session) => runOperation(statusOperation, project, { input: { session, lines: LINES } }),
  });
  const stop = listenForStop(() => display.note(STOPPING));
  let worked: WorkedData;
  try {
    worked = await start(project, { signal: stop.signal, onEvent: display.onEvent });
  } finally {
    display.end();
    stop.release();
  }
  if (output.isJson) output.printData(worked);
  else output.print(workSummary(worked, output.view()));
  return EXITS[worked.end];
}

/** More tasks than fit on a screen are not looked at while work goes on. */
const LINES = 50;
