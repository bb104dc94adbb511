/** Listens for MCP on this machine's own address, for agents that share one server. */

import type { Server } from "node:http";
import { createServer } from "node:http";

import type { NodeIncomingMessageLike } from "@modelcontextprotocol/node";
import { toNodeHandler } from "@modelcontextprotocol/node";

import { PerdureError } from "../base/errors.ts";
import type { McpHttpHandler, McpHttpOptions } from "./http-handler.ts";
import { mcpHttpHandler } from "./http-handler.ts";
import type { McpSurface } from "./surface.ts";

export interface ListenOptions extends Omit<McpHttpOptions, "hosts"> {
  /** 0 is any that is free. */
  readonly port: number;
}

export interface McpHttpServer {
  readonly url: string;
  readonly notify: McpHttpHandler["notify"];
  /** Lets go of every connection. */
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
const PATH = "/mcp";
/** Which of them are ours is checked later; what is none of these would not even make an address. */
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)(:\d+)?$/i;

/** @throws PerdureError `conflict` when the port is taken */
export async function listenForMcp(surface: McpSurface, options: ListenOptions): Promise<McpHttpServer> {
  const handler = mcpHttpHandler(surface, options);
  const handle = toNodeHandler(handler, { onerror: options.onError });
  const server = createServer((request, response) => {
    if (!HOST.test(request.headers.host ?? "")) {
      response.writeHead(400, { "content-type": "text/plain" });
      response.end("The Host header names no host\n");
      return;
    }
    const path = (request.url ?? "").split("?", 1)[0];
    if (path === PATH) {
      // Its type differs in what may be undefined, which the adapter looks at.
      void handle(request as NodeIncomingMessageLike, response).catch(options.onError);
      return;
    }
    response.writeHead(404, { "content-type": "text/plain" });
    response.end(`MCP is served at ${PATH}\n`);
  });
  const port = await listen(server, options.port);
  return {
    url: `http://${LOOPBACK}:${port}${PATH}`,
    notify: handler.notify,
    async close() {
      await handler.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen(port, cause)));
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function cannotListen(port: number, cause: unknown): PerdureError {
  const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  return new PerdureError("conflict", {
    message: `Port ${port} of ${LOOPBACK} cannot be listened on${isTaken ? ": another program does" : ""}`,
    hint: "Name another with --port, or 0 for any that is free.",
    details: { port },
    cause,
  });
}
