/** What a verb of the command line is made of. Help, completion and parsing are all rendered from it. */

import type * as v from "valibot";

import type { Project } from "../app/open-project.ts";
import type { Operation } from "../operations/operation.ts";
import type { Output, View } from "./output.ts";
import type { ArgumentSpec, OptionSpec, ParsedArguments } from "./parse-arguments.ts";

export interface Verb {
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Below the options, in its help. */
  readonly notes?: string;
  readonly examples?: readonly string[];
  /** Returns the exit code. */
  run(call: Call): Promise<number>;
}

/** One call of a verb. */
export interface Call {
  readonly args: ParsedArguments;
  readonly output: Output;
  /** Opens the project; it is closed after the verb. @throws PerdureError `not-found` for `existing` when it has no store yet */
  open(mode: "existing" | "create"): Promise<Project>;
}

type AnySchema = v.GenericSchema;

export interface OperationVerb<Input extends AnySchema, Output extends AnySchema> extends Omit<Verb, "run"> {
  /** Whether the store is made when there is none. Default `existing`. */
  readonly store?: "existing" | "create";
  load(): Promise<Operation<Input, Output>>;
  input(args: ParsedArguments): unknown | Promise<unknown>;
  /** For a person; lines safe for a terminal. */
  text(data: v.InferInput<Output>, view: View): string | Promise<string>;
  /** Default 0. */
  exit?(data: v.InferInput<Output>): number;
}

/** A verb that runs one operation and shows what came out. */
export function operationVerb<Input extends AnySchema, Output extends AnySchema>(
  spec: OperationVerb<Input, Output>,
): Verb {
  return {
    ...spec,
    async run({ args, output, open }) {
      const input = await spec.input(args);
      const context = await open(spec.store ?? "existing");
      const [operation, { runOperation }] = await Promise.all([spec.load(), import("../operations/operation.ts")]);
      const data = await runOperation(operation, context, { input });
      if (output.isJson) output.printData(data);
      else printText(output, await spec.text(data, output.view()));
      return spec.exit?.(data) ?? 0;
    },
  };
}

function printText(output: Output, text: string): void {
  if (text !== "") output.print(text);
}
