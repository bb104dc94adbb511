/** The products that are measured, as far as they can do the same work. */

import { openOpenworkflow } from "./openworkflow.ts";
import { openPerdureQueue } from "./perdure.ts";
import { openPlainjob } from "./plainjob.ts";

/** Which product, and how durable: `default` is as it comes. */
export interface Subject {
  readonly product: "perdure" | "plainjob" | "openworkflow";
  readonly durability: "default" | "full" | "normal";
}

export interface OpenQueue extends Subject {
  /** An existing directory of its own. */
  readonly directory: string;
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
  }
}

export function nameOf({ product, durability }: Subject): string {
  return durability === "default" ? product : `${product} ${durability}`;
}
