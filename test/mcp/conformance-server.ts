/**
 * The server that the conformance suite looks at: the tools it names, on the handlers and the HTTP server that serve a
 * project. Prints its address.
 */

import { randomBytes } from "node:crypto";

import { createRequestStateCodec } from "@modelcontextprotocol/server";

import { systemRandom } from "../../src/base/random.ts";
import { listenForMcp } from "../../src/mcp/http-server.ts";
import type { McpSurface } from "../../src/mcp/surface.ts";
import { CONTENT_TOOLS, fixtureTool, PROMPTS, readFixture, RESOURCES, text } from "./fixture-content.ts";
import { PUSH_TOOLS, ROUND_PROMPT, roundTools } from "./fixture-questions.ts";

const codec = createRequestStateCodec({ key: randomBytes(32) });
const subscribed = new Set<string>();

const surface: McpSurface = {
  name: "perdure-conformance",
  title: "Perdure, as the conformance suite sees it",
  version: "0.0.0",
  instructions: "",
  tools: [
    ...CONTENT_TOOLS,
    ...PUSH_TOOLS,
    ...roundTools(codec),
    fixtureTool("test_trigger_tool_change", async () => {
      server.notify.toolsChanged();
      return text("Told");
    }),
    fixtureTool("test_trigger_prompt_change", async () => {
      server.notify.promptsChanged();
      return text("Told");
    }),
  ],
  resources: {
    list: async () => RESOURCES,
    templates: [{ uriTemplate: "test://template/{id}/data", name: "template", mimeType: "application/json" }],
    read: readFixture,
  },
  prompts: [...PROMPTS, ROUND_PROMPT],
  tasks: null,
  options: { requestState: { verify: codec.verify } },
  capabilities: {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { subscribe: true, listChanged: true },
    logging: {},
    completions: {},
  },
  extend(protocol) {
    protocol.setRequestHandler("completion/complete", () => ({ completion: { values: [], hasMore: false } }));
    protocol.setRequestHandler("resources/subscribe", ({ params }) => {
      subscribed.add(params.uri);
      return {};
    });
    protocol.setRequestHandler("resources/unsubscribe", ({ params }) => {
      subscribed.delete(params.uri);
      return {};
    });
  },
};

const server = await listenForMcp(surface, {
  random: systemRandom,
  port: 0,
  onError: (error) => console.error(error),
});
console.log(server.url);
