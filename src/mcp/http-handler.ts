/**
 * MCP over streamable HTTP, as a web-standard handler. Requests of the 2026-07-28 era stand alone; those of 2025-11-25 may
 * belong to a session, which lasts as long as this process and is found again by its header.
 */

import type { ServerNotifier } from "@modelcontextprotocol/server";
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isInitializeRequest,
  isLegacyRequest,
  legacyStatelessFallback,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";

import type { Random } from "../base/random.ts";
import { serverFactory } from "./mcp-server.ts";
import type { McpSurface } from "./surface.ts";

export interface McpHttpHandler {
  /** Answers a request, whatever its path. */
  fetch(request: Request): Promise<Response>;
  /** Tells clients that listen of what has changed. */
  readonly notify: ServerNotifier;
  /** Ends what is open. Safe to repeat. */
  close(): Promise<void>;
}

export interface McpHttpOptions {
  readonly random: Random;
  readonly onError: (error: unknown) => void;
  /** Host names a request may be sent to and come from. Default: those of this machine itself. `null` leaves the check to the caller. */
  readonly hosts?: readonly string[] | null;
}

const SESSION_HEADER = "mcp-session-id";
/** Beyond, the session that was quiet longest ends; its client begins a new one. */
const MOST_SESSIONS = 100;

export function mcpHttpHandler(surface: McpSurface, options: McpHttpOptions): McpHttpHandler {
  const { random, onError } = options;
  const alone = serverFactory(surface, { nameConnection: () => null, onError });
  const connected = serverFactory(surface, { nameConnection: () => random.uuid().slice(0, 8), onError });
  const modern = createMcpHandler(alone, { legacy: "reject", onerror: onError });
  const stateless = legacyStatelessFallback(alone, onError);
  /** In order of use. */
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

  const openSession = async (): Promise<WebStandardStreamableHTTPServerTransport> => {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => random.uuid(),
      onsessioninitialized: (id) => {
        sessions.set(id, transport);
      },
      onsessionclosed: (id) => {
        sessions.delete(id);
      },
    });
    const server = await connected({ era: "legacy" });
    await server.connect(transport);
    for (const [id, oldest] of sessions) {
      if (sessions.size < MOST_SESSIONS) break;
      sessions.delete(id);
      await oldest.close();
    }
    return transport;
  };

  const answerLegacy = async (request: Request): Promise<Response> => {
    const id = request.headers.get(SESSION_HEADER);
    if (id === null) {
      const body = await bodyOf(request);
      if (!isInitializeRequest(body)) return await stateless(request, { parsedBody: body });
      return await (await openSession()).handleRequest(request, { parsedBody: body });
    }
    const transport = sessions.get(id);
    if (transport === undefined) return noSession();
    sessions.delete(id);
    sessions.set(id, transport);
    return await transport.handleRequest(request);
  };

  return {
    async fetch(request) {
      const rejected = refuseForeign(request, options.hosts);
      if (rejected !== undefined) return rejected;
      return (await isLegacyRequest(request)) ? await answerLegacy(request) : await modern.fetch(request);
    },
    notify: modern.notify,
    async close() {
      const open = [...sessions.values()];
      sessions.clear();
      await modern.close();
      for (const transport of open) await transport.close();
    },
  };
}

/** A page in a browser must not reach this server through a name that leads to this machine (DNS rebinding). */
function refuseForeign(request: Request, hosts: McpHttpOptions["hosts"]): Response | undefined {
  if (hosts === null) return undefined;
  return (
    hostHeaderValidationResponse(request, [...(hosts ?? localhostAllowedHostnames())]) ??
    originValidationResponse(request, [...(hosts ?? localhostAllowedOrigins())])
  );
}

/** `undefined` when it is no JSON; whoever answers says so. */
async function bodyOf(request: Request): Promise<unknown> {
  if (request.method !== "POST") return undefined;
  try {
    return await request.clone().json();
  } catch {
    // Told to the client by the transport, which reads it again.
    return undefined;
  }
}

function noSession(): Response {
  const error = { code: -32_001, message: "Session not found" };
  return Response.json({ jsonrpc: "2.0", error, id: null }, { status: 404 });
}
