/** Whatever a model sends, it gets a well-formed result or error, and the server goes on. */

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { McpBench } from "./testing/mcp-bench.ts";
import { createMcpBench } from "./testing/mcp-bench.ts";
import type { RawAnswer } from "./testing/raw-client.ts";
import { rawRequest, TASKS } from "./testing/raw-client.ts";
import { projectSurface } from "./project-surface.ts";

let bench: McpBench;

beforeAll(async () => {
  bench = await createMcpBench();
  const agent = await bench.connect();
  await agent.call("submit_plan", { name: "Fuzzed", tasks: [{ id: "a" }, { id: "b", needs: ["a"] }] });
});

afterAll(async () => {
  await bench.close();
});

const url = "http://localhost/mcp";
const send = async (method: string, params: Record<string, unknown>): Promise<RawAnswer> =>
  await rawRequest({ fetch: bench.handler.fetch, url, capabilities: { ...TASKS, elicitation: {} } }, method, params);

const control = fc.string({ unit: "binary", maxLength: 40 });
const reference = fc.constantFrom("a", "b", "Fuzzed", "../../etc/passwd", "'; drop table tasks; --", "%", "\u0000", "");
/** Long, but within what one message may hold. */
const huge = fc.integer({ min: 1, max: 400_000 }).map((length) => "x𝒳\n".repeat(length / 4));
const scalar = fc.oneof(
  control,
  reference,
  fc.uuid(),
  fc.double(),
  fc.constantFrom(-1, 0, 1e308, 2 ** 53, null, true, false),
);
const deep = fc.integer({ min: 1, max: 400 }).map((depth) => {
  let value: unknown = "bottom";
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { level: value };
  return value;
});
const value = fc.oneof({ weight: 6, arbitrary: scalar }, fc.jsonValue({ maxDepth: 4 }), deep, huge);

/** Arguments of a tool: mostly those it has, with values that fit or do not, and some that it does not have. */
function argumentsOf(properties: Readonly<Record<string, unknown>>): fc.Arbitrary<Record<string, unknown>> {
  const known = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      fc.oneof({ weight: 3, arbitrary: fitting(schema) }, value),
    ]),
  );
  return fc
    .tuple(fc.record(known, { requiredKeys: [] }), fc.dictionary(fc.string({ maxLength: 12 }), value, { maxKeys: 1 }))
    .map(([given, more]) => ({ ...given, ...more }));
}

function fitting(schema: unknown): fc.Arbitrary<unknown> {
  const { type, enum: words, items } = (schema ?? {}) as { type?: unknown; enum?: unknown[]; items?: unknown };
  if (words !== undefined) return fc.constantFrom(...words);
  if (type === "string") return fc.oneof(reference, control);
  if (type === "boolean") return fc.boolean();
  if (type === "number" || type === "integer") return fc.integer({ min: 0, max: 10 });
  if (type === "array") return fc.array(fitting(items), { maxLength: 5 });
  if (type === "object") return argumentsOf((schema as { properties?: Record<string, unknown> }).properties ?? {});
  return value;
}

function expectWellFormed({ status, result, error }: RawAnswer): void {
  if (error !== undefined) {
    // Parameters that are wrong are told as such; nothing may go wrong inside.
    expect(error.code, error.message).not.toBe(-32_603);
    expect(error.message).toMatch(/\S/);
    return;
  }
  expect(status).toBe(200);
  if (result?.resultType !== "complete") {
    expect(["task", "input_required"]).toContain(result?.resultType);
    return;
  }
  const content = result.content as { readonly type: string; readonly text: string }[];
  expect(content.map(({ type }) => type)).toEqual(["text"]);
  expect(content[0]?.text).toMatch(/\S/);
  // What a model is told stays within reason, whatever it sent.
  expect(content[0]?.text.length).toBeLessThan(30_000);
  if (result.isError === true) expect(result).not.toHaveProperty("structuredContent");
  else expect(result.structuredContent).toBeTypeOf("object");
}

const SEED = process.env.PERDURE_SEED === undefined ? undefined : Number(process.env.PERDURE_SEED);
const RUNS = Number(process.env.PERDURE_RUNS ?? 60);

describe("every tool", () => {
  const { tools } = projectSurface({} as never, { version: "0" });

  test.each(tools.map(({ definition }) => [definition.name, definition.inputSchema.properties ?? {}] as const))(
    "%s answers generated arguments with a well-formed result or error",
    async (name, properties) => {
      await fc.assert(
        fc.asyncProperty(argumentsOf(properties), async (args) => {
          // Waiting for what never comes is another test's matter.
          const { wait_seconds: _seconds, wait: _wait, ...given } = args;
          expectWellFormed(await send("tools/call", { name, arguments: given }));
        }),
        { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: SEED }) },
      );
      expect(bench.errors).toEqual([]);
      expect((await send("tools/call", { name: "list_all_tasks", arguments: {} })).result).toMatchObject({
        structuredContent: { tasks: expect.any(Array) },
      });
    },
    120_000,
  );

  test("resources and handles that are not there are told as such", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(control, reference, huge), async (said) => {
        for (const [method, params] of [
          ["resources/read", { uri: said }],
          ["resources/read", { uri: `perdure://tasks/${said}` }],
          ["prompts/get", { name: said }],
          ["tasks/get", { taskId: said }],
        ] as const) {
          const { error, result } = await send(method, params);
          if (result === undefined) expect(error?.code, error?.message).not.toBe(-32_603);
        }
      }),
      { numRuns: RUNS / 2, ...(SEED === undefined ? {} : { seed: SEED }) },
    );
    expect(bench.errors).toEqual([]);
  }, 120_000);
});
