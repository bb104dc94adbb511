/**
 * What an MCP server offers, whatever the protocol's era and transport: tools, resources, prompts and, for clients that
 * know the extension, tasks. `mcp-server.ts` serves a surface; `project-surface.ts` is that of a project.
 */

import type {
  CallToolResult,
  GetPromptResult,
  InputRequiredResult,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplateType,
  Server,
  ServerCapabilities,
  ServerContext,
  ServerOptions,
  Tool,
} from "@modelcontextprotocol/server";

import type { TaskHandle, TaskState } from "./task-wire.ts";

/** One request of a client. */
export interface McpCall {
  readonly context: ServerContext;
  readonly client: McpClient;
  /** Aborts when the client cancels the request or goes away. */
  readonly signal: AbortSignal;
  /** Tells the client how far the request is, if it asked for that. */
  progress(report: { readonly progress: number; readonly total?: number; readonly message?: string }): Promise<void>;
}

export interface McpClient {
  /** As it calls itself; `agent` when it does not. */
  readonly name: string;
  /** Tells clients of the same name apart where a connection lasts; `null` where each request stands alone. */
  readonly connection: string | null;
  /** It can put a question to its user. */
  readonly canAsk: boolean;
  /** It takes a task handle in place of a tool's result. */
  readonly takesTasks: boolean;
}

export type ToolReply = CallToolResult | InputRequiredResult | TaskHandle;

export interface McpTool {
  readonly definition: Tool;
  call(args: unknown, call: McpCall): Promise<ToolReply>;
}

export interface McpResources {
  list(): Promise<readonly Resource[]>;
  readonly templates: readonly ResourceTemplateType[];
  /** `null` for one that is not there. */
  read(uri: string, call: McpCall): Promise<ReadResourceResult | InputRequiredResult | null>;
}

export interface McpPrompt {
  readonly definition: Prompt;
  get(args: Readonly<Record<string, string>>, call: McpCall): Promise<GetPromptResult | InputRequiredResult>;
}

/** Work that outlives a call (`io.modelcontextprotocol/tasks`). Each throws a `ProtocolError` for a task that is not there. */
export interface McpTasks {
  get(taskId: string): Promise<TaskState>;
  answer(taskId: string, responses: Readonly<Record<string, unknown>>): Promise<void>;
  cancel(taskId: string): Promise<void>;
}

export interface McpSurface {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  /** How it is meant to be used, for the model. */
  readonly instructions: string;
  readonly tools: readonly McpTool[];
  readonly resources: McpResources;
  readonly prompts: readonly McpPrompt[];
  readonly tasks: McpTasks | null;
  /** Of options and handlers beyond these. */
  readonly options?: Pick<ServerOptions, "requestState" | "cacheHints">;
  readonly capabilities?: ServerCapabilities;
  extend?(server: Server): void;
}
