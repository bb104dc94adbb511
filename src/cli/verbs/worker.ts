/** `perdure worker` */

import { runOperation } from "../../operations/operation.ts";
import { LABELS_OPTION, listOption } from "../list-options.ts";
import type { Verb } from "../verb.ts";
import { createEventLines } from "../work/event-lines.ts";
import { listenForStop } from "../work/stop-signals.ts";

const DRAINING = "claiming nothing more and waiting for what runs; a second signal stops at once";

export const worker: Verb = {
  arguments: [],
  options: [
    { name: "concurrency", short: "c", type: "integer", placeholder: "N", help: "tasks to run side by side" },
    { name: "session", type: "text", placeholder: "SESSION", help: "only tasks of this session" },
    { name: "executors", type: "text", placeholder: "A,B", help: "only tasks of these executors" },
    LABELS_OPTION,
    {
      name: "drain",
      type: "text",
      placeholder: "TIME",
      help: "how long what runs may go on after SIGTERM (default: worker.drain in perdure.yaml, 20s)",
    },
    { name: "tick", type: "boolean", isOn: true, help: "leave the boxes of Markdown plans as they are" },
  ],
  notes: [
    "Works on every active session. Several workers share the work, on as many machines as reach the store, and keep the",
    "limits of its tasks together. SIGTERM claims nothing more, lets what runs end for the time of --drain, and then lets go",
    "of it at the next step boundary, as Ctrl-C does at once; the tasks return to the queue and it costs no retry. A second",
    "signal stops at once.",
  ].join("\n"),
  examples: ["perdure worker --concurrency 8 --executors command --labels gpu,linux"],
  async run({ args, output, open }) {
    const project = await open("on-use");
    const { DRAIN, workerRun } = await import("../../operations/worker-run.ts");
    const lines = createEventLines();
    const input = {
      concurrency: args.number("concurrency"),
      session: args.text("session"),
      executors: listOption(args, "executors"),
      labels: listOption(args, "labels"),
      drain: args.text("drain") ?? undefined,
      tick: args.flag("tick"),
    };
    const stop = listenForStop((name) => {
      const isDraining = name === "SIGTERM";
      output.remark(isDraining ? DRAINING : "letting go at the next step boundary; press Ctrl-C again to stop at once");
      return isDraining ? DRAIN : undefined;
    });
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
