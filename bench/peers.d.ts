/** The parts of the peers' interfaces used here, so that checking the repository's types needs no peer installed. */

declare module "plainjob" {
  interface Logger {
    error(message: string): void;
    warn(message: string): void;
    info(message: string): void;
    debug(message: string): void;
  }

  interface Statement {
    run(...params: never[]): unknown;
    get(...params: never[]): unknown;
    all(...params: never[]): unknown;
  }

  type Act = () => unknown;

  export interface Connection {
    readonly driver: "better-sqlite3";
    readonly filename: string;
    pragma(statement: string): void;
    exec(sql: string): void;
    prepare(sql: string): Statement;
    /** A function that runs `act` in a transaction; its `immediate` takes the write lock at once. */
    transaction(act: (...args: unknown[]) => unknown): ((...args: unknown[]) => unknown) & { immediate: Act };
    close(): void;
  }

  export interface Job {
    readonly id: number;
    readonly type: string;
    readonly data: string;
  }

  export interface Queue {
    add(type: string, data: unknown, options?: { readonly delay?: number }): { readonly id: number };
    addMany(type: string, data: unknown[], options?: { readonly delay?: number }): { readonly ids: number[] };
    getAndMarkJobAsProcessing(type: string): { readonly id: number } | undefined;
    close(): void;
  }

  export interface Worker {
    start(): Promise<void>;
    stop(): Promise<void>;
  }

  export function defineQueue(options: { readonly connection: Connection; readonly logger?: Logger }): Queue;
  export function defineWorker(
    type: string,
    processor: (job: Job) => void | Promise<void>,
    options: { readonly queue: Queue; readonly logger?: Logger; readonly onCompleted?: (job: Job) => void },
  ): Worker;
}

declare module "openworkflow" {
  import type { BackendSqlite } from "openworkflow/sqlite";

  interface WorkflowContext {
    readonly input: unknown;
    readonly step: { run<T>(options: { readonly name: string }, act: () => T | Promise<T>): Promise<T> };
  }

  interface RunnableWorkflow {
    run(input?: unknown): Promise<{ readonly workflowRun: { readonly id: string } }>;
  }

  interface Worker {
    start(): Promise<void>;
    stop(): Promise<void>;
  }

  export class OpenWorkflow {
    constructor(options: { readonly backend: BackendSqlite });
    defineWorkflow(spec: { readonly name: string }, act: (context: WorkflowContext) => unknown): RunnableWorkflow;
    newWorker(options?: { readonly concurrency?: number }): Worker;
  }
}

declare module "openworkflow/sqlite" {
  export class BackendSqlite {
    static connect(path: string): BackendSqlite;
    completeWorkflowRun(params: { readonly workflowRunId: string }): Promise<{ readonly input: unknown }>;
    stop(): Promise<void>;
  }
}

declare module "@langchain/langgraph-checkpoint-sqlite" {
  type Config = Readonly<Record<string, unknown>>;

  export class SqliteSaver {
    constructor(database: {
      pragma(statement: string): void;
      exec(sql: string): void;
      prepare(sql: string): { run(...params: (string | number | Uint8Array | null | undefined)[]): unknown };
    });
    put(config: Config, checkpoint: Config, metadata: Config): Promise<Config>;
  }
}

declare module "graphile-worker" {
  import type { EventEmitter } from "node:events";
  import type { Pool } from "pg";

  type Logger = object;
  export const Logger: new (factory: () => () => void) => Logger;

  export const WorkerPreset: object;

  interface Shared {
    readonly pgPool: Pool;
    readonly logger: Logger;
  }

  type Task = (payload: unknown, helpers: { readonly job: { readonly id: string } }) => void | Promise<void>;

  interface RunOptions extends Shared {
    readonly noHandleSignals: boolean;
    readonly concurrency?: number;
    readonly preset?: { readonly extends: readonly object[]; readonly worker: object };
    readonly events?: EventEmitter;
    readonly taskList: Readonly<Record<string, Task>>;
  }

  export function run(options: RunOptions): Promise<{ stop(): Promise<void> }>;
  export function makeWorkerUtils(options: Shared): Promise<{
    migrate(): Promise<void>;
    addJob(name: string, payload: object, spec: { readonly priority: number }): Promise<unknown>;
    release(): Promise<void>;
  }>;
}

declare module "pg-boss" {
  export interface Job<Payload> {
    readonly id: string;
    readonly data: Payload;
  }

  interface WorkOptions {
    readonly localConcurrency?: number;
    readonly batchSize?: number;
    readonly burstWhenBatchFull?: boolean;
  }

  interface NewJob {
    readonly data: object;
    readonly priority: number;
    readonly startAfter?: number;
  }

  export class PgBoss {
    constructor(options: {
      readonly connectionString: string;
      readonly max: number;
      readonly useListenNotify: boolean;
    });
    on(event: "error", listener: (error: Error) => void): void;
    start(): Promise<unknown>;
    createQueue(name: string, options: { readonly notify: boolean }): Promise<void>;
    work<Payload>(
      name: string,
      options: WorkOptions,
      handler: (jobs: readonly Job<Payload>[]) => Promise<void>,
    ): Promise<string>;
    send(name: string, data: object, options: { readonly priority: number }): Promise<unknown>;
    insert(name: string, jobs: readonly NewJob[]): Promise<unknown>;
    fetch(name: string): Promise<readonly unknown[]>;
    stop(options: { readonly graceful: boolean; readonly timeout: number }): Promise<void>;
  }
}

declare module "@dbos-inc/dbos-sdk" {
  interface StartOptions {
    readonly workflowID: string;
    readonly queueName?: string;
    readonly enqueueOptions?: { readonly priority: number };
  }

  type Workflow = (input: number) => Promise<unknown>;

  interface QueueOptions {
    readonly minPollingIntervalMs?: number;
    readonly workerConcurrency: number;
    readonly onConflict: "always_update";
  }

  export const DBOS: {
    readonly applicationVersion: string | undefined;
    setConfig(config: object): void;
    registerWorkflow(workflow: Workflow, options: { readonly name: string }): Workflow;
    registerQueue(name: string, options: QueueOptions): Promise<unknown>;
    startWorkflow(workflow: Workflow, options: StartOptions): (input: number) => Promise<unknown>;
    launch(): Promise<void>;
    shutdown(): Promise<void>;
  };
}

declare module "bullmq" {
  import type { Redis } from "ioredis";

  interface Job<Payload> {
    readonly data: Payload;
  }

  interface JobOptions {
    readonly priority: number;
    readonly delay?: number;
  }

  export class Queue<Payload> {
    constructor(name: string, options: { readonly connection: Redis });
    add(name: string, data: Payload, options: JobOptions): Promise<unknown>;
    addBulk(
      jobs: readonly { readonly name: string; readonly data: Payload; readonly opts: JobOptions }[],
    ): Promise<unknown>;
    close(): Promise<void>;
  }

  export class Worker<Payload> {
    constructor(
      name: string,
      process: ((job: Job<Payload>) => Promise<unknown>) | null,
      options: { readonly connection: Redis; readonly concurrency?: number; readonly autorun?: boolean },
    );
    on(event: "completed", listener: (job: Job<Payload>) => void): void;
    waitUntilReady(): Promise<unknown>;
    getNextJob(token: string, options: { readonly block: boolean }): Promise<Job<Payload> | undefined>;
    close(): Promise<void>;
  }
}

declare module "ioredis" {
  export class Redis {
    constructor(url: string, options: { readonly maxRetriesPerRequest: null });
    config(command: "GET", name: string): Promise<unknown>;
    disconnect(): void;
  }
}
