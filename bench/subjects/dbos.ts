/**
 * DBOS on PostgreSQL: a workflow without steps is its task. Queued, it is written, claimed by whoever polls the queue and
 * run there, as a task is; direct, the process that starts it runs it, and nobody else can unless that one dies.
 */

import type pg from "pg";

import { copyRows } from "../harness/copy-rows.ts";
import { watchStatements } from "../harness/statements.ts";
import type { OpenQueue, Queue } from "./subject.ts";
import { urlOf } from "./subject.ts";

/** It comes with a second. Less than this costs more statements than it finds work. */
const POLLING_MS = 5;
const MAX_CONNECTIONS = 25;
const NAME = "null";

export async function openDbos(options: OpenQueue): Promise<Queue> {
  const { DBOS } = await import("@dbos-inc/dbos-sdk");
  const { default: library } = await import("pg");
  const isQueued = options.product === "dbos";
  const ended = new WeakMap<pg.ClientBase, string>();
  let onEnd = (_input: number): void => {};
  let onStart = (_input: number): void => {};
  const watch = watchStatements(library, ({ client, text, values }) => {
    // The handle of a queued workflow finds out by polling; this is when its end was committed.
    if (text.includes(".workflow_output")) ended.set(client, String(values[0]));
    const id = text === "COMMIT" ? ended.get(client) : undefined;
    if (id === undefined) return;
    ended.delete(client);
    onEnd(Number(id.slice(NAME.length)));
  });
  const silent = { info() {}, debug() {}, warn() {}, error: console.error };
  const workflow = DBOS.registerWorkflow(
    async (input: number) => {
      onStart(input);
      return null;
    },
    { name: NAME },
  );
  const workflowId = (input: number): string => `${NAME}${input}`;
  let durability: string | null = null;
  const launch = async (listenQueues: string[]): Promise<void> => {
    if (durability !== null) return;
    durability = "unknown";
    DBOS.setConfig({
      name: "bench",
      // Of each process its own, as the workflows that one runs are told apart by it.
      executorID: `bench-${process.pid}`,
      systemDatabaseUrl: urlOf(options),
      systemDatabasePoolSize: MAX_CONNECTIONS,
      listenQueues,
      logger: silent,
      tracingEnabled: false,
    });
    await DBOS.launch();
    durability = await watch.durability();
  };

  return {
    get durability() {
      return durability ?? "unknown";
    },
    statementCount: watch.count,
    async work(work) {
      onEnd = work.onEnd ?? onEnd;
      onStart = work.onStart ?? onStart;
      await launch(isQueued ? [NAME] : []);
      if (!isQueued) return;
      await DBOS.registerQueue(NAME, {
        minPollingIntervalMs: POLLING_MS,
        workerConcurrency: work.concurrency,
        onConflict: "always_update",
      });
    },
    async create(input) {
      await launch([]);
      await DBOS.startWorkflow(workflow, {
        workflowID: workflowId(input),
        ...(isQueued ? { queueName: NAME, enqueueOptions: { priority: 1 + (Math.floor(input) % 10) } } : {}),
      })(input);
    },
    async createMany({ count, notDueCount }) {
      await launch([]);
      await DBOS.registerQueue(NAME, { workerConcurrency: 1, onConflict: "always_update" });
      // One is made by itself, and the others are copies of its row: its own way takes several statements each.
      await DBOS.startWorkflow(workflow, { workflowID: "model", queueName: NAME })(0);
      const client = new library.Client({ connectionString: urlOf(options) });
      await client.connect();
      await client.query("set synchronous_commit = off");
      const notDue = `copy * ${notDueCount} % ${count} < ${notDueCount}`;
      const own = {
        workflow_uuid: `'${NAME}' || copy`,
        priority: "1 + copy % 10",
        created_at: "model.created_at + copy",
        status: `case when ${notDue} then 'DELAYED' else 'ENQUEUED' end`,
        delay_until_epoch_ms: `case when ${notDue} then model.created_at + 3600000 end`,
      };
      for (const table of ["dbos.workflow_status", "dbos.workflow_input"])
        await copyRows(client, { table, where: "workflow_uuid = 'model'", copies: count, own });
      await client.query("delete from dbos.workflow_status where workflow_uuid = 'model'");
      await client.end();
    },
    /** At the function its queue calls, as that waits for its next poll before each. */
    async timeClaims(samples) {
      await launch([]);
      const claimOne = await claimer(DBOS.applicationVersion);
      const times: number[] = [];
      while (times.length < samples) {
        const startedAt = performance.now();
        const { length } = await claimOne();
        times.push(performance.now() - startedAt);
        if (length !== 1) throw new Error(`claimed ${length} tasks instead of one`);
      }
      return times;
    },
    close: () => DBOS.shutdown(),
  };
}

interface Internals {
  readonly DBOSExecutor: {
    readonly globalInstance: {
      readonly executorID: string;
      readonly systemDatabase: {
        findAndMarkStartableWorkflows(
          queue: { readonly name: string; readonly workerConcurrency: number },
          executorId: string,
          version: string | undefined,
        ): Promise<readonly string[]>;
      };
    };
  };
}

async function claimer(version: string | undefined): Promise<() => Promise<readonly string[]>> {
  const url = new URL("./dbos-executor.js", import.meta.resolve("@dbos-inc/dbos-sdk"));
  const { DBOSExecutor } = (await import(url.href)) as Internals;
  const { executorID, systemDatabase } = DBOSExecutor.globalInstance;
  return () => systemDatabase.findAndMarkStartableWorkflows({ name: NAME, workerConcurrency: 1 }, executorID, version);
}
