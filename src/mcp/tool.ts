/**
 * How a tool is made from an operation: its arguments are parsed, what came out is given both as data and in words, and
 * what went wrong is a result that says what to do next.
 */

import type { CallToolResult, ToolAnnotations } from "@modelcontextprotocol/server";
import * as v from "valibot";

import { PerdureError } from "../base/errors.ts";
import type { OperationContext } from "../operations/operation.ts";
import { asActor } from "./actor-context.ts";
import { nameOfAgent } from "./agent-name.ts";
import { NO_PROJECT, noProject } from "./before-project.ts";
import { errorWords } from "./error-words.ts";
import { toInputSchema, toOutputSchema } from "./json-schema.ts";
import type { McpCall, McpTool, ToolReply } from "./surface.ts";

export interface ToolSpec<Input extends v.GenericSchema, Output extends v.GenericSchema> {
  readonly name: string;
  /** For the model: what it does and when to use it. */
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly input: Input;
  readonly output: Output;
  /**
   * Where no project has been begun: what is given then, or that its first write begins one. Absent for what needs something
   * that is there: then the call is refused.
   */
  readonly beforeProject?: "begins" | v.InferInput<Output>;
  run(context: OperationContext, input: v.InferOutput<Input>, call: McpCall): Promise<ToolAnswer<v.InferInput<Output>>>;
}

/**
 * Of the two, agents hand one to their model: some the data, some the text. So each says all that a model needs to go on,
 * and each is bounded.
 */
export type ToolAnswer<Data> =
  | { readonly kind: "data"; readonly data: Data; readonly text: string }
  /** A question to the user, or the handle of a task. */
  | { readonly kind: "reply"; readonly reply: ToolReply };

/** A tool that is yet to be given the project it works on. */
export type ProjectTool = (context: OperationContext) => McpTool;

/** Only reads. */
export const READS: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };
/** Adds, and takes nothing away that cannot be had back with the next call. */
export const ADDS: ToolAnnotations = { readOnlyHint: false, destructiveHint: false, openWorldHint: false };
/** Changes what is there; everything can be undone. */
export const CHANGES: ToolAnnotations = { readOnlyHint: false, destructiveHint: true, openWorldHint: false };

export function defineTool<Input extends v.GenericSchema, Output extends v.GenericSchema>(
  spec: ToolSpec<Input, Output>,
): ProjectTool {
  const { name, description, annotations, input, output } = spec;
  const definition = {
    name,
    description,
    annotations,
    inputSchema: toInputSchema(input),
    outputSchema: toOutputSchema(output),
  };
  return (context) => ({
    definition,
    async call(args, call) {
      try {
        const given = parseArguments(name, input, args);
        if (context.isBegun === false && spec.beforeProject !== "begins") {
          if (spec.beforeProject === undefined) throw noProject();
          return { content: [{ type: "text", text: NO_PROJECT }], structuredContent: toRecord(spec.beforeProject) };
        }
        const told = await spec.run(asActor(context, nameOfAgent(call.client)), given, call);
        if (told.kind === "reply") return told.reply;
        return { content: [{ type: "text", text: told.text }], structuredContent: toRecord(told.data) };
      } catch (error) {
        if (error instanceof PerdureError) return errorResult(error);
        throw error;
      }
    },
  });
}

export function answer<Data>(data: Data, text: string): ToolAnswer<Data> {
  return { kind: "data", data, text };
}

export function errorResult(error: PerdureError): CallToolResult {
  return { content: [{ type: "text", text: errorWords(error) }], isError: true };
}

/** @throws PerdureError `invalid-input` naming each argument that is wrong. */
function parseArguments<Input extends v.GenericSchema>(
  tool: string,
  schema: Input,
  args: unknown,
): v.InferOutput<Input> {
  const parsed = v.safeParse(schema, args);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues
    .slice(0, MOST_PROBLEMS)
    .map((issue) => `${v.getDotPath(issue) ?? "arguments"}: ${shorten(wordsOf(issue))}`);
  throw new PerdureError("invalid-input", {
    message: `Invalid arguments for ${tool}: ${problems.join("; ")}`,
    hint: "Correct these and call the tool again; nothing was changed.",
    details: { problems },
  });
}

/** A key that is not known is told as such; which there are stands in the tool's description. */
function wordsOf(issue: v.BaseIssue<unknown>): string {
  return issue.type === "strict_object" && issue.expected === "never" ? "there is no such argument" : issue.message;
}

const MOST_PROBLEMS = 10;
const LONGEST_PROBLEM = 300;

/** A message that repeats what was received does not grow with it. */
function shorten(message: string): string {
  return message.length > LONGEST_PROBLEM ? `${message.slice(0, LONGEST_PROBLEM)}…` : message;
}

function toRecord(data: unknown): Record<string, unknown> {
  return v.parse(v.record(v.string(), v.unknown()), data);
}
