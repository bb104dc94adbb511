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
