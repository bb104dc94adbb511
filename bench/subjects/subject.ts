/** The products that are measured, as far as they can do the same work. */

import type { StatementCount } from "../harness/statements.ts";
import { openBullmq } from "./bullmq.ts";
import { openDbos } from "./dbos.ts";
import { openGraphileWorker } from "./graphile-worker.ts";
import { openOpenworkflow } from "./openworkflow.ts";
import { openPerdureQueue } from "./perdure.ts";
import { openPerdurePostgres } from "./perdure-postgres.ts";
import { openPgBoss } from "./pg-boss.ts";
import { openPlainjob } from "./plainjob.ts";

/** Products that keep everything in a file of their own. */
type Embedded = "perdure" | "plainjob" | "openworkflow";

/** Products on a server. */
type Served =
  | "perdure postgres"
  | "graphile-worker"
  | "graphile-worker batched"
  | "pg-boss"
  | "pg-boss batched"
  | "dbos"
  | "dbos direct"
  | "bullmq";

export type ServerKind = "postgres" | "redis";

/** Which product, and how durable: `default` is as it comes, or as its server is set. */
export interface Subject {
  readonly product: Embedded | Served;
  readonly durability: "default" | "full" | "normal";
}

export interface OpenQueue extends Subject {
  /** An existing directory of its own. */
  readonly directory: string;
  /** Of an empty database of its own, for products on a server. */
  readonly url?: string;
}

export interface WorkOptions {
  /** Tasks side by side, where the product can. */
  readonly concurrency: number;
  /** The task's code was entered. */
  readonly onStart?: (input: number) => void;
  /** The task's completion is recorded. */
  readonly onEnd?: (input: number) => void;
}

export interface CreateMany {
  readonly count: number;
  /** Due in an hour instead of now. */
  readonly notDueCount: number;
}

/** A queue of null tasks: each gets a number and does nothing with it. */
export interface Queue {
  /** As read back from its connection. */
  readonly durability: string;
  /** Called once, before anything is created. */
  work(options: WorkOptions): Promise<void>;
  create(input: number): Promise<unknown>;
  /** Creates many pending tasks as fast as the product can. */
  createMany(options: CreateMany): Promise<void>;
  /** Milliseconds of so many claims of one task each, one after another, their commits included. Instead of `work`. */
  timeClaims?(samples: number): Promise<readonly number[]>;
  /** What this process sent to PostgreSQL so far. */
  statementCount?(): StatementCount;
  close(): Promise<void>;
}

export function openQueue(options: OpenQueue): Promise<Queue> {
  switch (options.product) {
    case "perdure":
      return openPerdureQueue(options);
    case "plainjob":
      return openPlainjob(options);
    case "openworkflow":
      return openOpenworkflow(options);
    case "perdure postgres":
      return openPerdurePostgres(options);
    case "graphile-worker":
    case "graphile-worker batched":
      return openGraphileWorker(options);
    case "pg-boss":
    case "pg-boss batched":
      return openPgBoss(options);
    case "dbos":
    case "dbos direct":
      return openDbos(options);
    case "bullmq":
      return openBullmq(options);
  }
}

export function serverOf({ product }: Subject): ServerKind | null {
  if (product === "perdure" || product === "plainjob" || product === "openworkflow") return null;
  return product === "bullmq" ? "redis" : "postgres";
}

export function urlOf({ product, url }: OpenQueue): string {
  if (url === undefined) throw new Error(`${product} needs a database`);
  return url;
}

export function nameOf({ product, durability }: Subject): string {
  return durability === "default" ? product : `${product} ${durability}`;
}
