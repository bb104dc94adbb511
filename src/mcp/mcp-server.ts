/**
 * Serves a surface: one protocol server per connection, or per request where requests stand alone. Both eras are served
 * by the same handlers; what differs between them is the SDK's to bridge.
 */

import type {
  CallToolResult,
  ClientCapabilities,
  Implementation,
  InputRequiredResult,
  McpServerFactory,
  ServerContext,
  ServerOptions,
} from "@modelcontextprotocol/server";
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
} from "@modelcontextprotocol/server";
import * as v from "valibot";

import type { McpCall, McpClient, McpSurface, ToolReply } from "./surface.ts";
import type { TaskHandle } from "./task-wire.ts";
import { TASKS_EXTENSION } from "./task-wire.ts";

export interface ServeOptions {
  /** A new name for a connection; `null` where there are none. */
  readonly nameConnection: () => string | null;
  /** Told of what went wrong on our side. */
  readonly onError: (error: unknown) => void;
}

/** Makes the server of a connection, or of a request. */
export function serverFactory(surface: McpSurface, options: ServeOptions): McpServerFactory {
  const tools = new Map(surface.tools.map((tool) => [tool.definition.name, tool]));
  const prompts = new Map(surface.prompts.map((prompt) => [prompt.definition.name, prompt]));
  const definitions = surface.tools.map(({ definition }) => definition);

  return ({ era }) => {
    const server = new SurfaceServer(
      { name: surface.name, title: surface.title, version: surface.version },
      {
        ...surface.options,
        onError: options.onError,
        instructions: surface.instructions,
        capabilities: {
          tools: {},
          resources: {},
          prompts: {},
          // Of the later era: in the one before nothing of it is served.
          ...(surface.tasks === null || era !== "modern" ? {} : { extensions: { [TASKS_EXTENSION]: {} } }),
          ...surface.capabilities,
        },
      },
    );
    const connection = options.nameConnection();
    const callOf = (context: ServerContext): McpCall => {
      const client = clientOf(server, context, { connection, isModern: era === "modern" });
      return { context, client, signal: context.mcpReq.signal, progress: progressTo(context) };
    };

    server.setRequestHandler("tools/list", () => ({ tools: definitions }));
    server.setRequestHandler("tools/call", async ({ params }, context) => {
      const tool = tools.get(params.name);
      if (tool === undefined) {
        throw new ProtocolError(
          ProtocolErrorCode.InvalidParams,
          `There is no tool ${quote(params.name)}; there are ${[...tools.keys()].join(", ")}`,
        );
      }
      const reply = await guarded(options, () => tool.call(params.arguments ?? {}, callOf(context)));
      return isPlainResult(reply) ? server.projectCallToolResult(reply, tool.definition.outputSchema) : asResult(reply);
    });
    server.setRequestHandler("resources/list", async () => ({ resources: [...(await surface.resources.list())] }));
    server.setRequestHandler("resources/templates/list", () => ({
      resourceTemplates: [...surface.resources.templates],
    }));
    server.setRequestHandler("resources/read", async ({ params }, context) => {
      const read = await guarded(options, () => surface.resources.read(params.uri, callOf(context)));
      if (read === null) throw new ResourceNotFoundError(params.uri);
      return read;
    });
    server.setRequestHandler("prompts/list", () => ({ prompts: surface.prompts.map(({ definition }) => definition) }));
    server.setRequestHandler("prompts/get", async ({ params }, context) => {
      const prompt = prompts.get(params.name);
      if (prompt === undefined) {
        throw new ProtocolError(
          ProtocolErrorCode.InvalidParams,
          `There is no prompt ${quote(params.name)}; there are ${[...prompts.keys()].join(", ")}`,
        );
      }
      return await guarded(options, () => prompt.get(params.arguments ?? {}, callOf(context)));
    });
    if (era === "modern") serveTasks(server, surface, options, callOf);
    surface.extend?.(server);
    return server;
  };
}

/** Leaves a task handle as it is: the SDK takes it for a result of a tool and would give it an empty `content`. */
class SurfaceServer extends Server {
  readonly #onError: (error: unknown) => void;
  override readonly onerror = (error: Error): void => this.#onError(error);

  constructor(info: Implementation, { onError, ...options }: ServerOptions & Pick<ServeOptions, "onError">) {
    super(info, options);
    this.#onError = onError;
  }

  protected override _wrapHandler(
    ...[method, handler]: Parameters<Server["_wrapHandler"]>
  ): ReturnType<Server["_wrapHandler"]> {
    const wrapped = super._wrapHandler(method, handler);
    if (method !== "tools/call") return wrapped;
    return async (request, context) => {
      const result = await wrapped(request, context);
      if (!("resultType" in result) || result.resultType !== "task") return result;
      const { content: _content, ...handle } = result as typeof result & { content?: unknown };
      return handle;
    };
  }
}

const taskIdSchema = v.looseObject({ taskId: v.string() });

function serveTasks(
  server: Server,
  { tasks }: McpSurface,
  options: ServeOptions,
  callOf: (context: ServerContext) => McpCall,
): void {
  if (tasks === null) return;
  const refuseOthers = (context: ServerContext): void => {
    if (callOf(context).client.takesTasks) return;
    throw new MissingRequiredClientCapabilityError(
      { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
      `Missing required client capability: extensions["${TASKS_EXTENSION}"]`,
    );
  };
  server.setRequestHandler("tasks/get", { params: taskIdSchema }, async ({ taskId }, context) => {
    refuseOthers(context);
    return { ...(await guarded(options, () => tasks.get(taskId))) };
  });
  server.setRequestHandler("tasks/cancel", { params: taskIdSchema }, async ({ taskId }, context) => {
    refuseOthers(context);
    await guarded(options, () => tasks.cancel(taskId));
    return {};
  });
  server.setRequestHandler("tasks/update", { params: taskIdSchema }, async ({ taskId }, context) => {
    refuseOthers(context);
    // The SDK lifts the responses out of the parameters, and leaves those out that are none.
    await guarded(options, () => tasks.answer(taskId, context.mcpReq.inputResponses ?? {}));
    return {};
  });
}

function clientOf(
  server: Server,
  context: ServerContext,
  { connection, isModern }: { readonly connection: string | null; readonly isModern: boolean },
): McpClient {
  const envelope = context.mcpReq.envelope as Readonly<Record<string, unknown>> | undefined;
  const info = isModern ? nameSchemaOf(envelope?.[CLIENT_INFO_META_KEY]) : server.getClientVersion()?.name;
  const capabilities = isModern
    ? (envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined)
    : server.getClientCapabilities();
  return {
    name: info === undefined || info.trim() === "" ? "agent" : info.trim(),
    connection,
    canAsk: capabilities?.elicitation !== undefined,
    takesTasks: isModern && capabilities?.extensions?.[TASKS_EXTENSION] !== undefined,
  };
}

function nameSchemaOf(info: unknown): string | undefined {
  return v.is(v.looseObject({ name: v.string() }), info) ? info.name : undefined;
}

function progressTo(context: ServerContext): McpCall["progress"] {
  const token = context.mcpReq._meta?.progressToken;
  return async ({ progress, total, message }) => {
    if (token === undefined) return;
    await context.mcpReq.notify({
      method: "notifications/progress",
      params: {
        progressToken: token,
        progress,
        ...(total === undefined ? {} : { total }),
        ...(message === undefined ? {} : { message }),
      },
    });
  };
}

/** What was not foreseen is told on our side, and to the client without its particulars. */
async function guarded<Result>({ onError }: ServeOptions, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    onError(error);
    throw new ProtocolError(ProtocolErrorCode.InternalError, "Something went wrong in Perdure; its log tells more");
  }
}

function isPlainResult(reply: ToolReply): reply is CallToolResult {
  return !("resultType" in reply);
}

/** The SDK's types know no task handle; it passes the result of a tool on as it is. */
function asResult(reply: InputRequiredResult | TaskHandle): CallToolResult | InputRequiredResult {
  return reply as InputRequiredResult;
}

function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}…` : name);
}
