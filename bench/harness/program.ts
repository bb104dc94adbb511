/**
 * Programs: parts of a benchmark that run in a process of their own, so that nothing measured there depends on what ran
 * before. A file has one program, its default export, and goes by its address.
 */

import { fork } from "node:child_process";

/** What a running program and the process that started it tell each other, besides input and result. */
export interface Caller {
  /** Says that it is set up. */
  ready(): void;
}

export interface Program<Input, Result> {
  /** `import.meta.url` of the file whose default export it is. */
  readonly url: string;
  run(input: Input, caller: Caller): Promise<Result>;
}

/** From the started process. */
export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly error: string };

export interface Running<Result> {
  /** Resolves once the program called `ready`. */
  readonly ready: Promise<void>;
  readonly result: Promise<Result>;
}

const ENTRY = new URL("./program-process.ts", import.meta.url);

/** Starts a program in a process of its own. Input and result travel as JSON. */
export function start<Input, Result>(program: Program<Input, Result>, input: Input): Running<Result> {
  const child = fork(ENTRY, [program.url], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ready = Promise.withResolvers<void>();
  const result = Promise.withResolvers<Result>();
  // Whoever does not wait for one of the two still learns of the failure from the other.
  ready.promise.catch(() => {});
  result.promise.catch(() => {});
  const fail = (message: string): void => {
    const error = new Error(`${program.url}: ${message}`);
    ready.reject(error);
    result.reject(error);
  };
  child.on("message", (report: Report) => {
    if (report.kind === "ready") ready.resolve();
    // The process ran this very program, so what it returned is of its type.
    else if (report.kind === "result") result.resolve(report.result as Result);
    else fail(report.error);
  });
  child.on("error", (error) => fail(error.message));
  child.on("exit", (code, signal) => fail(`ended early (${signal ?? code})`));
  child.send({ input });
  return { ready: ready.promise, result: result.promise };
}

/** Runs a program to its end in a process of its own. */
export function runAlone<Input, Result>(program: Program<Input, Result>, input: Input): Promise<Result> {
  return start(program, input).result;
}
