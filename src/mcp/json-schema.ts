/** From our schemas to the JSON Schema that a tool is described with: nothing in it that a model has no use for. */

import type { Tool } from "@modelcontextprotocol/server";
import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";

export function toInputSchema(schema: v.GenericSchema): Tool["inputSchema"] {
  return { ...objectSchema(schema, "input"), type: "object" };
}

export function toOutputSchema(schema: v.GenericSchema): NonNullable<Tool["outputSchema"]> {
  return { ...objectSchema(schema, "output"), type: "object" };
}

type Plain = Record<string, unknown>;

function objectSchema(schema: v.GenericSchema, typeMode: "input" | "output"): Plain {
  const { $schema: _dialect, ...rest } = toJsonSchema(schema, { typeMode, errorMode: "throw" });
  return compact(rest) as Plain;
}

/** Leaves out what says nothing: empty lists of required fields, `anyOf` where a list of types does. */
function compact(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(compact);
  if (typeof node !== "object" || node === null) return node;
  const entries = Object.entries(node)
    .filter(([key, value]) => !(key === "required" && Array.isArray(value) && value.length === 0))
    .map(([key, value]) => [key, compact(value)] as const);
  return withTypeList(Object.fromEntries(entries));
}

function withTypeList(node: Plain): Plain {
  const { anyOf, ...rest } = node;
  if (!Array.isArray(anyOf) || "type" in rest) return node;
  const isNull = (option: unknown): boolean => JSON.stringify(option) === '{"type":"null"}';
  const others: readonly unknown[] = anyOf.filter((option) => !isNull(option));
  const [only] = others;
  if (others.length !== 1 || others.length === anyOf.length || typeof only !== "object" || only === null) return node;
  if (!("type" in only) || typeof only.type !== "string" || "enum" in only) return node;
  return { ...only, ...rest, type: [only.type, "null"] };
}
