/** Who may reach the server over HTTP, and how much at once. */

import { connect } from "node:net";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { McpHttpServer } from "./http-server.ts";
import { listenForMcp } from "./http-server.ts";
import { projectSurface } from "./project-surface.ts";
import type { McpBench } from "./testing/mcp-bench.ts";
import { createMcpBench } from "./testing/mcp-bench.ts";

let bench: McpBench;
let server: McpHttpServer;

beforeEach(async () => {
  bench = await createMcpBench();
  const { random } = bench.project;
  const surface = projectSurface(bench.project, { version: "0" });
  server = await listenForMcp(surface, { random, onError: () => {}, port: 0 });
});

afterEach(async () => {
  await server.close();
  await bench.close();
});

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "c", version: "0" } },
};

/** The status of an answer to a request with these headers, as they stand. */
async function statusOf(lines: readonly string[], version = "1.1"): Promise<number> {
  const body = JSON.stringify(INITIALIZE);
  const head = [
    `POST /mcp HTTP/${version}`,
    "content-type: application/json",
    "accept: application/json, text/event-stream",
    "connection: close",
    `content-length: ${body.length}`,
    ...lines,
  ];
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  return await new Promise((found, failed) => {
    socket.once("data", (data) => {
      found(Number(String(data).split(" ")[1]));
      socket.destroy();
    });
    socket.once("error", failed);
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  });
}

describe("a request over HTTP", () => {
  test.each(["localhost", "127.0.0.1:7411", "[::1]:7411", "LocalHost:1", "[0:0:0:0:0:0:0:1]"])(
    "to %s is answered",
    async (host) => {
      expect(await statusOf([`host: ${host}`])).toBe(200);
    },
  );

  test.each(["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7411", "[::2]", "10.0.0.1"])(
    "to %s is refused, whatever address that name leads to",
    async (host) => {
      expect(await statusOf([`host: ${host}`])).toBe(403);
    },
  );

  test.each([["host: localhost@evil.example"], ["host: a b"], ["host: "]])("with %j is a bad one", async (line) => {
    expect(await statusOf([line])).toBe(400);
  });

  test.each(["1.0", "1.1"])("of HTTP %s that names no host is a bad one", async (version) => {
    expect(await statusOf([], version)).toBe(400);
  });

  test.each(["http://evil.example", "null", "file://", "http://localhost.evil.example"])(
    "from a page of %s is refused",
    async (origin) => {
      expect(await statusOf(["host: localhost", `origin: ${origin}`])).toBe(403);
    },
  );

  test("that is larger than any call is refused before it is read whole", async () => {
    const fact = "x".repeat(5 << 20);
    const params = { name: "remember", arguments: { fact, kind: "finding" } };
    const told = await fetch(server.url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
    }).then(
      ({ status }) => status,
      // The connection is closed while the rest is still being sent.
      () => 413,
    );
    expect(told).toBe(413);
  });

  test("of the hundred sessions used last finds its own; one before that begins anew", async () => {
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    const post = async (body: object, session?: string): Promise<Response> => {
      const own = session === undefined ? {} : { "mcp-session-id": session };
      const response = await fetch(server.url, {
        method: "POST",
        headers: { ...headers, ...own },
        body: JSON.stringify(body),
      });
      await response.text();
      return response;
    };
    const sessions: string[] = [];
    for (let at = 0; at < 102; at += 1) {
      sessions.push((await post(INITIALIZE)).headers.get("mcp-session-id") ?? "");
    }
    expect(new Set(sessions).size).toBe(102);
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
    const statuses = [];
    for (const session of sessions) statuses.push((await post(ping, session)).status);
    expect(statuses).toEqual([404, 404, ...Array.from({ length: 100 }, () => 200)]);
  });
});
