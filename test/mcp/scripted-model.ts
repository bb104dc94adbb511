/**
 * A model behind the wire formats of Anthropic, OpenAI and Gemini, on this machine alone. It calls the tools of a script one
 * after another, whatever it is told, and writes down what it was sent.
 */

import type { Server } from "node:http";
import { createServer } from "node:http";

export interface ScriptedCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface ScriptedModel {
  readonly url: string;
  /** Bodies of the requests that offered tools, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

type Json = Readonly<Record<string, unknown>>;

export async function startScriptedModel(script: readonly ScriptedCall[]): Promise<ScriptedModel> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const text = Buffer.concat(parts).toString();
      const format = FORMATS.find(({ path }) => path.test(request.url ?? ""));
      if (format === undefined || !text.startsWith("{")) {
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
        return;
      }
      const body = JSON.parse(text) as Json;
      const tools = format.toolsOf(body);
      if (tools.some(({ name }) => name.endsWith("get_brief"))) asked.push(text);
      const next = tools.length === 0 ? undefined : script[format.answersIn(text)];
      const tool = next && tools.find(({ name }) => name === next.tool || name.endsWith(`_${next.tool}`));
      const id = `${asked.length}`;
      const events = format.reply(tool === undefined || next === undefined ? null : { ...tool, args: next.args }, id);
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of events) {
        const name = "type" in event ? `event: ${String(event.type)}\n` : "";
        response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
      }
      response.end();
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server): Promise<number> {
  return await new Promise((found) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      found(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

interface OfferedTool {
  readonly name: string;
  readonly namespace?: string;
}

interface WireFormat {
  readonly path: RegExp;
  toolsOf(body: Json): readonly OfferedTool[];
  /** How many results of tools a request brings. */
  answersIn(text: string): number;
  reply(call: (OfferedTool & { readonly args: Json }) | null, id: string): readonly Json[];
}

const DONE = "All done.";
const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;
const listIn = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const toolIn = ({ name }: Json): readonly OfferedTool[] => (typeof name === "string" ? [{ name }] : []);

const anthropic: WireFormat = {
  path: /\/v1\/messages(\?|$)/,
  toolsOf: ({ tools }) => listIn(tools).flatMap(toolIn),
  answersIn: (text) => count(text, /"type":"tool_result"/g),
  reply(call, id) {
    const message = { id: `msg_${id}`, type: "message", role: "assistant", model: "scripted", content: [] };
    const usage = { input_tokens: 1, output_tokens: 1 };
    const [block, delta] =
      call === null
        ? [
            { type: "text", text: "" },
            { type: "text_delta", text: DONE },
          ]
        : [
            { type: "tool_use", id: `toolu_${id}`, name: call.name, input: {} },
            { type: "input_json_delta", partial_json: JSON.stringify(call.args) },
          ];
    return [
      { type: "message_start", message: { ...message, stop_reason: null, stop_sequence: null, usage } },
      { type: "content_block_start", index: 0, content_block: block },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: call === null ? "end_turn" : "tool_use" }, usage },
      { type: "message_stop" },
    ];
  },
};

const openai: WireFormat = {
  path: /\/responses$/,
  toolsOf: ({ tools }) =>
    listIn(tools).flatMap((tool) =>
      tool.type === "namespace"
        ? listIn(tool.tools)
            .flatMap(toolIn)
            .map(({ name }) => ({ name, namespace: String(tool.name) }))
        : toolIn(tool),
    ),
  answersIn: (text) => count(text, /"type":"function_call_output"/g),
  reply(call, id) {
    const item =
      call === null
        ? {
            type: "message",
            id: `msg_${id}`,
            role: "assistant",
            status: "completed",
            content: [{ type: "output_text", text: DONE, annotations: [] }],
          }
        : {
            type: "function_call",
            id: `fc_${id}`,
            call_id: `call_${id}`,
            name: call.name,
            ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
            arguments: JSON.stringify(call.args),
            status: "completed",
          };
    const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    const answer = { id: `resp_${id}`, object: "response", created_at: 1, model: "scripted", usage };
    return [
      { type: "response.created", response: { ...answer, status: "in_progress", output: [] } },
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: { ...answer, status: "completed", output: [item] } },
    ];
  },
};

const gemini: WireFormat = {
  path: /:streamGenerateContent/,
  toolsOf: ({ tools }) =>
    listIn(tools).flatMap(({ functionDeclarations }) => listIn(functionDeclarations).flatMap(toolIn)),
  answersIn: (text) => count(text, /"functionResponse":/g),
  reply: (call, id) => [
    {
      candidates: [
        {
          content: {
            role: "model",
            parts: [call === null ? { text: DONE } : { functionCall: { name: call.name, args: call.args, id } }],
          },
          finishReason: "STOP",
          index: 0,
        },
      ],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    },
  ],
};

const FORMATS = [anthropic, openai, gemini];
