/** `perdure worker` */

import { runOperation } from "../../operations/operation.ts";
import type { Verb } from "../verb.ts";
import { createEventLines } from "../work/event-lines.ts";
import { listenForStop } from "../work/stop-signals.ts";

export const worker: Verb = {
  arguments: [],
  options: [
    { name: "concurrency", short: "c", type: "integer", placeholder: "N", help: "tasks to run side by side" },
    { name: "session", type: "text", placeholder: "SESSION", help: "only tasks of this session" },
    { name: "executor", type: "text", placeholder: "NAME", isRepeated: true, help: "only tasks of this executor" },
    { name: "tick", type: "boolean", isOn: true, help: "leave the boxes of Markdown plans as they are" },
  ],
  notes: "Works on every active session. Several workers share the work. Ctrl-C lets go at the next step boundary.",
  async run({ args, output, open }) {
    const project = await open("on-use");
    const { workerRun } = await import("../../operations/worker-run.ts");
    const lines = createEventLines();
    const executors = args.list("executor");
    const input = {
      concurrency: args.number("concurrency"),
      session: args.text("session"),
      executors: executors.length === 0 ? undefined : executors,
      tick: args.flag("tick"),
    };
    const stop = listenForStop(() =>
      output.remark("letting go at the next step boundary; press Ctrl-C again to stop at once"),
    );
    output.remark(`worker ${process.pid} on ${project.projectDir}; Ctrl-C stops it`);
    try {
      const data = await runOperation(workerRun, project, {
        input,
        options: {
          signal: stop.signal,
          onEvent(event) {
            if (output.isJson) output.printEvent(event);
            else if (!output.isQuiet) output.print(lines.lineOf(event, output.view()));
          },
        },
      });
      if (output.isJson) output.printData(data);
      else output.remark(`stopped; ${outcomeWords(data.outcomes)}`);
      return 0;
    } finally {
      stop.release();
    }
  },
};

function outcomeWords(outcomes: Readonly<Record<string, number>>): string {
  const parts = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`);
  return parts.length === 0 ? "nothing was run" : parts.join(", ");
}
