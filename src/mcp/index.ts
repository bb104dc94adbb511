/** `perdure/mcp`: the tools of a project for agents, as a handler of HTTP requests. */

import type { Perdure } from "../app/perdure.ts";
import { projectOf } from "../app/perdure.ts";
import { packageVersion } from "../app/package-version.ts";
import { mcpHttpHandler } from "./http-handler.ts";
import type { McpHttpHandler } from "./http-handler.ts";
import { projectSurface } from "./project-surface.ts";

export type { McpHttpHandler } from "./http-handler.ts";

export interface McpHandlerOptions {
  /**
   * Host names that requests may be sent to and, from a browser, come from. Default: `localhost`, `127.0.0.1` and `[::1]`.
   * `null` leaves that check, and who may connect at all, to the caller.
   */
  readonly hosts?: readonly string[] | null;
  /** Told of what went wrong on this side. Default: nobody. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Serves MCP over streamable HTTP, in both eras of the protocol, for one project: mount `fetch` where clients are to find it.
 * There is no authentication in it: put it behind some, or on an address of this machine alone.
 *
 * @example
 * ```ts
 * const handler = mcpHandler(perdure);
 * const response = await handler.fetch(request);
 * ```
 */
export function mcpHandler(perdure: Perdure, options: McpHandlerOptions = {}): McpHttpHandler {
  const project = projectOf(perdure);
  const surface = projectSurface(project, { version: packageVersion() });
  return mcpHttpHandler(surface, {
    random: project.random,
    onError: options.onError ?? (() => {}),
    ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
  });
}
