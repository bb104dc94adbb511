import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";

import type { Json } from "../base/json.ts";
import type { InferInput, InferOutput } from "../base/standard-schema.ts";
import { NonRetryable } from "../domain/retry-policy.ts";
import { functionExecutor } from "./function-executor.ts";
import { aRun } from "./testing/a-run.ts";

const zodSchema = z.object({
  topic: z.string(),
  parts: z.array(z.object({ id: z.number() })).default([]),
});
const valibotSchema = v.object({
  topic: v.string(),
  parts: v.optional(v.array(v.object({ id: v.number() })), []),
});

describe("functionExecutor", () => {
  it("hands the input over as it is when there is no schema", async () => {
    const executor = functionExecutor({
      name: "echo",
      run: (_run, input) => {
        expectTypeOf(input).toEqualTypeOf<Json>();
        return { input };
      },
    });
    expect(executor.name).toBe("echo");
    expect(await executor.execute(aRun({ input: [1, "two"] }))).toEqual({ input: [1, "two"] });
  });

  it("hands the run over", async () => {
    const executor = functionExecutor({ name: "who", run: async (run) => run.taskId });
    expect(await executor.execute(aRun())).toBe("task-1");
  });

  it("lets what the function throws through", async () => {
    const failure = new Error("no");
    const executor = functionExecutor({
      name: "fails",
      run: () => {
        throw failure;
      },
    });
    await expect(executor.execute(aRun())).rejects.toBe(failure);
  });

  describe.each([
    ["zod", zodSchema],
    ["valibot", valibotSchema],
  ])("with a schema of %s", (_vendor, input) => {
    const executor = functionExecutor({
      name: "write-docs",
      input,
      run: (_run, { topic, parts }) => `${topic} ${parts.length}`,
    });
    const task = { executor: "write-docs" };

    it("gives the function what the schema makes of the input", async () => {
      expect(await executor.execute(aRun({ task, input: { topic: "intro" } }))).toBe("intro 0");
    });

    it("names every issue with its path, and is not retried", async () => {
      const executed = executor.execute(aRun({ task, input: { parts: [{ id: "a" }] } }));
      await expect(executed).rejects.toBeInstanceOf(NonRetryable);
      await expect(executed).rejects.toThrow(/^Invalid input for write-docs: topic: .+; parts\.0\.id: /);
    });
  });

  it("waits for a schema that takes its time", async () => {
    const input = z.string().refine(async (text) => text !== "taken", "is taken");
    const executor = functionExecutor({ name: "claim", input, run: (_run, name) => name });
    expect(await executor.execute(aRun({ input: "free" }))).toBe("free");
    await expect(executor.execute(aRun({ input: "taken" }))).rejects.toThrow("is taken");
  });

  it("bounds how many issues it names", async () => {
    const executor = functionExecutor({
      name: "many",
      input: z.array(z.number()),
      run: () => null,
    });
    const input = Array.from({ length: 30 }, () => "x");
    await expect(executor.execute(aRun({ input }))).rejects.toThrow(/9: .*; and 20 more$/);
  });
});

describe("InferInput and InferOutput", () => {
  it("agree with zod and valibot", () => {
    interface In {
      topic: string;
      parts?: { id: number }[] | undefined;
    }
    interface Out {
      topic: string;
      parts: { id: number }[];
    }
    expectTypeOf<InferInput<typeof zodSchema>>().toEqualTypeOf<In>();
    expectTypeOf<InferInput<typeof valibotSchema>>().toEqualTypeOf<In>();
    expectTypeOf<InferOutput<typeof zodSchema>>().toEqualTypeOf<Out>();
    expectTypeOf<InferOutput<typeof valibotSchema>>().toEqualTypeOf<Out>();
  });
});
