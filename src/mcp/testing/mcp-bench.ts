/** A project in a temporary directory, and clients of both eras that reach it through the HTTP handler, without a network. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { CallToolResult, ElicitResult } from "@modelcontextprotocol/client";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

import type { Project } from "../../app/open-project.ts";
import { openProject } from "../../app/open-project.ts";
import { createWorker } from "../../engine/worker.ts";
import { functionExecutor } from "../../executors/function-executor.ts";
import { runOperation } from "../../operations/operation.ts";
import { taskAdd } from "../../operations/task-add.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { McpHttpHandler } from "../http-handler.ts";
import { mcpHttpHandler } from "../http-handler.ts";
import { projectSurface } from "../project-surface.ts";

export type Era = "2025-11-25" | "2026-07-28";

export const ERAS: readonly Era[] = ["2025-11-25", "2026-07-28"];

export interface McpBench {
  readonly project: Project;
  readonly clock: FakeClock;
  readonly handler: McpHttpHandler;
  /** What went wrong on the server's side; a test that does not expect any looks that there is none. */
  readonly errors: readonly unknown[];
  connect(options?: ConnectOptions): Promise<TestClient>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly era?: Era;
  readonly name?: string;
  /** What the user answers when asked; without it the client cannot ask. */
  readonly answer?: (message: string) => ElicitResult;
}

export interface TestClient {
  readonly client: Client;
  call(tool: string, args?: Readonly<Record<string, unknown>>): Promise<Told>;
}

export interface Told {
  readonly isError: boolean;
  readonly text: string;
  readonly data: Record<string, unknown>;
}

const URL_OF_TEST = new URL("http://localhost/mcp");

/** @param isBegun Without, its first use makes the store, as in `perdure mcp`. */
export async function createMcpBench({ isBegun = true } = {}): Promise<McpBench> {
  const directory = mkdtempSync(join(tmpdir(), "perdure-mcp-"));
  const clock = fakeClock();
  const project = await openProject({
    directory,
    isExact: true,
    opensOnUse: !isBegun,
    store: null,
    durability: "normal",
    actor: "test",
    clock,
  });
  const errors: unknown[] = [];
  const surface = projectSurface(project, { version: "0.0.0" });
  const handler = mcpHttpHandler(surface, { random: project.random, onError: (error) => errors.push(error) });
  const clients: Client[] = [];
  return {
    project,
    clock,
    handler,
    errors,
    async connect({ era = "2025-11-25", name = "tester", answer } = {}) {
      const client = new Client(
        { name, version: "0" },
        {
          capabilities: answer === undefined ? {} : { elicitation: { form: {} } },
          ...(era === "2026-07-28" ? { versionNegotiation: { mode: "auto" } } : {}),
        },
      );
      if (answer !== undefined) {
        client.setRequestHandler("elicitation/create", ({ params }) => answer(params.message));
      }
      await client.connect(
        new StreamableHTTPClientTransport(URL_OF_TEST, {
          fetch: (url, init) => handler.fetch(new Request(url, { ...init, headers: withHost(init?.headers) })),
        }),
      );
      clients.push(client);
      return {
        client,
        call: async (tool, args = {}) => toTold(await client.callTool({ name: tool, arguments: { ...args } })),
      };
    },
    async close() {
      for (const client of clients) await client.close();
      await handler.close();
      await project.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function withHost(headers: RequestInit["headers"]): Headers {
  const given = new Headers(headers);
  given.set("host", URL_OF_TEST.host);
  return given;
}

function toTold({ content, structuredContent, isError }: CallToolResult): Told {
  const text = content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
  return { isError: isError === true, text, data: (structuredContent ?? {}) as Record<string, unknown> };
}

/** A task whose code waits for a yes. */
export async function taskWithQuestion({ project }: McpBench): Promise<string> {
  project.define(functionExecutor({ name: "publish", run: async (run) => await run.approval("Publish it?") }));
  const { id } = await runOperation(taskAdd, project, { input: { title: "Publish", executor: "publish" } });
  const executors = await project.loadExecutors();
  const worker = createWorker(project, {
    executors: () => executors,
    concurrency: 1,
    sessionId: null,
    leaseMs: 30_000,
    heartbeatMs: 10_000,
    graceMs: 1_000,
  });
  await worker.start();
  await worker.nextIdle(0);
  await worker.stop();
  return id;
}
