/**
 * MCP over the process's own input and output. Nothing but the protocol is written to the output, whatever an executor or
 * a library prints: that goes to the error output.
 */

import { Writable } from "node:stream";

import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";

import type { Random } from "../base/random.ts";
import { serverFactory } from "./mcp-server.ts";
import type { McpSurface } from "./surface.ts";

export interface StdioOptions {
  readonly random: Random;
  readonly onError: (error: unknown) => void;
  /** Ends the connection. */
  readonly signal: AbortSignal;
}

/** Resolves once the client has closed our input, or `signal` aborted. */
export async function serveOverStdio(surface: McpSurface, { random, onError, signal }: StdioOptions): Promise<void> {
  if (signal.aborted) return;
  const transport = new EndingTransport(process.stdin, takeStdout());
  const factory = serverFactory(surface, { nameConnection: () => random.uuid().slice(0, 8), onError });
  const handle = serveStdio(factory, { transport, onerror: onError });
  const onAbort = (): void => void handle.close().catch(onError);
  signal.addEventListener("abort", onAbort, { once: true });
  await transport.ended;
  signal.removeEventListener("abort", onAbort);
  await handle.close();
}

/** Tells when the connection is over. */
class EndingTransport extends StdioServerTransport {
  #end: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  override async close(): Promise<void> {
    await super.close();
    this.#end();
  }
}

/** The real output for the protocol alone; what others write goes to the error output from now on. */
function takeStdout(): Writable {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  // A client that is gone shows as a write that fails; the transport hears of it from the stream below.
  stdout.on("error", () => {});
  stdout.write = stderr.write.bind(stderr);
  return new Writable({
    write: (chunk: Uint8Array, _encoding, done) => void write(chunk, done),
  });
}
