/** Requests of the 2026-07-28 era as they go over the wire, for what no client library sends yet. */

export interface RawAnswer {
  readonly status: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface RawClient {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly url: string;
  /** Declared with each request. */
  readonly capabilities: Readonly<Record<string, unknown>>;
}

export const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };

export async function rawRequest(
  { fetch, url, capabilities }: RawClient,
  method: string,
  params: Readonly<Record<string, unknown>>,
): Promise<RawAnswer> {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "raw", version: "0" },
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
  const name = params.name ?? params.taskId ?? params.uri;
  const response = await fetch(
    new Request(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        host: new URL(url).host,
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        ...(typeof name === "string" ? { "mcp-name": headerValue(name) } : {}),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } }),
    }),
  );
  const text = await response.text();
  const json = text.startsWith("{") ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? "{}");
  return { status: response.status, ...(JSON.parse(json) as Omit<RawAnswer, "status">) };
}

/** What a header cannot hold as it is goes in Base64, as the protocol says. */
function headerValue(name: string): string {
  return /^[!-~]([ -~]*[!-~])?$/.test(name) ? name : `=?base64?${Buffer.from(name).toString("base64")}?=`;
}
