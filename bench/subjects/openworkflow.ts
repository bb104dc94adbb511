/** openworkflow on its SQLite backend, as it comes: a workflow run without steps is its task. */

import { join } from "node:path";

import { durabilityOf, watchingConnections } from "../harness/durability.ts";
import type { OpenQueue, Queue } from "./subject.ts";

export async function openOpenworkflow({ directory }: OpenQueue): Promise<Queue> {
  const { OpenWorkflow } = await import("openworkflow");
  const { BackendSqlite } = await import("openworkflow/sqlite");
  const path = join(directory, "openworkflow.db");
  const { opened: backend, connections } = await watchingConnections(() => BackendSqlite.connect(path));
  const client = new OpenWorkflow({ backend });
  let notifyStart = (_input: number): void => {};
  const workflow = client.defineWorkflow({ name: "null" }, ({ input }) => {
    notifyStart(Number(input));
    return null;
  });
  let stop = async (): Promise<void> => {};

  return {
    durability: durabilityOf(connections),
    async work({ concurrency, onStart, onEnd }) {
      notifyStart = onStart ?? notifyStart;
      // It has no event for this, and its handles poll once a second.
      const complete = backend.completeWorkflowRun.bind(backend);
      backend.completeWorkflowRun = async (params) => {
        const run = await complete(params);
        onEnd?.(Number(run.input));
        return run;
      };
      const worker = client.newWorker({ concurrency });
      await worker.start();
      stop = () => worker.stop();
    },
    create: (input) => workflow.run(input),
    async createMany({ count }) {
      for (let at = 0; at < count; at += 1) await workflow.run(at);
    },
    async close() {
      await stop();
      await backend.stop();
    },
  };
}
