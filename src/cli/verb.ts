/** What a verb of the command line is made of. Help, completion and parsing are all rendered from it. */

import type * as v from "valibot";

import type { Project } from "../app/open-project.ts";
import type { Operation } from "../operations/operation.ts";
import type { Output, View } from "./output.ts";
import type { ArgumentSpec, OptionSpec, ParsedArguments } from "./parse-arguments.ts";
import { safeLine } from "./terminal/ansi.ts";

export interface Verb {
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Below the options, in its help. */
  readonly notes?: string;
  readonly examples?: readonly string[];
  /** Returns the exit code. */
  run(call: Call): Promise<number>;
}

/**
 * What becomes of a project without a store: refused, refused and else opened only once it is used, made at once in exactly this
 * directory, made once it is used, or made there by a restore, which may also go on where one was cut off.
 */
export type StoreMode = "existing" | "unopened" | "new" | "on-use" | "restore";

/** One call of a verb. */
export interface Call {
  readonly args: ParsedArguments;
  readonly output: Output;
  /** Opens the project; it is closed after the verb. @throws PerdureError `not-found` for `existing` and `unopened` when it has no store yet */
  open(mode: StoreMode): Promise<Project>;
}

type AnySchema = v.GenericSchema;

export interface OperationVerb<Said extends AnySchema, Shown extends AnySchema> extends Omit<Verb, "run"> {
  /** Default `existing`. */
  readonly store?: StoreMode;
  load(): Promise<Operation<Said, Shown>>;
  input(args: ParsedArguments): unknown;
  /** For a person; lines safe for a terminal. */
  text(data: v.InferInput<Shown>, view: View, args: ParsedArguments): string;
  /** What is to be told beside the result. */
  notices?(data: v.InferInput<Shown>): readonly string[];
  /** What is to be known of a result that is not all there is. */
  remarks?(data: v.InferInput<Shown>): readonly string[];
  /** Default 0. */
  exit?(data: v.InferInput<Shown>): number;
}

/** A verb that runs one operation and shows what came out. */
export function operationVerb<Said extends AnySchema, Shown extends AnySchema>(spec: OperationVerb<Said, Shown>): Verb {
  return {
    ...spec,
    async run({ args, output, open }) {
      const input = spec.input(args);
      const context = await open(spec.store ?? "existing");
      const [operation, { runOperation }] = await Promise.all([spec.load(), import("../operations/operation.ts")]);
      const data = await runOperation(operation, context, { input });
      if (output.isJson) output.printData(data);
      else printText(output, spec.text(data, output.view(), args));
      // Piped, the result is one item a line; on a terminal the list says itself that it goes on.
      if (output.view().width === null) sayMore(output, data);
      for (const remark of spec.remarks?.(data) ?? []) output.remark(remark);
      for (const notice of spec.notices?.(data) ?? []) output.remark(`notice: ${safeLine(notice)}`);
      return spec.exit?.(data) ?? 0;
    },
  };
}

function sayMore(output: Output, data: unknown): void {
  const cursor = typeof data === "object" && data !== null && "nextCursor" in data ? data.nextCursor : null;
  if (typeof cursor === "string") output.remark(moreWords(cursor));
}

export function moreWords(cursor: string): string {
  return `… more: --cursor ${cursor}`;
}

function printText(output: Output, text: string): void {
  if (text !== "") output.print(text);
}
