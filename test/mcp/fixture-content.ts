/** What the conformance suite expects to be given by the tools, resources and prompts it names. */

import type { CallToolResult, InputRequiredResult, ReadResourceResult } from "@modelcontextprotocol/server";

import type { McpCall, McpPrompt, McpTool } from "../../src/mcp/surface.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

type Reply = CallToolResult | InputRequiredResult;

export function fixtureTool(
  name: string,
  call: (args: Record<string, unknown>, call: McpCall) => Promise<Reply>,
): McpTool {
  return {
    definition: { name, description: `For the conformance suite: ${name}`, inputSchema: { type: "object" } },
    call: async (args, context) => await call(args as Record<string, unknown>, context),
  };
}

export const text = (said: string): CallToolResult => ({ content: [{ type: "text", text: said }] });

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

const EMBEDDED = {
  type: "resource",
  resource: { uri: "test://embedded-resource", mimeType: "text/plain", text: "This is an embedded resource content." },
} as const;

export const CONTENT_TOOLS: readonly McpTool[] = [
  fixtureTool("test_simple_text", async () => text("This is a simple text response for testing.")),
  fixtureTool("test_image_content", async () => ({ content: [{ type: "image", data: PNG, mimeType: "image/png" }] })),
  fixtureTool("test_audio_content", async () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] })),
  fixtureTool("test_embedded_resource", async () => ({ content: [EMBEDDED] })),
  fixtureTool("test_multiple_content_types", async () => ({
    content: [
      { type: "text", text: "Multiple content types test:" },
      { type: "image", data: PNG, mimeType: "image/png" },
      {
        type: "resource",
        resource: {
          uri: "test://mixed-content-resource",
          mimeType: "application/json",
          text: JSON.stringify({ test: "data", value: 123 }),
        },
      },
    ],
  })),
  fixtureTool("test_tool_with_logging", async (_args, { context }) => {
    await context.mcpReq.log("info", "Tool execution started");
    await pause();
    await context.mcpReq.log("info", "Tool processing data");
    await pause();
    await context.mcpReq.log("info", "Tool execution completed");
    return text("Logged");
  }),
  fixtureTool("test_logging_tool", async (_args, { context }) => {
    await context.mcpReq.log("info", "Logged only when asked for");
    return text("Logged");
  }),
  fixtureTool("test_tool_with_progress", async (_args, { progress }) => {
    for (const done of [0, 50, 100]) {
      await progress({ progress: done, total: 100 });
      await pause();
    }
    return text("Done");
  }),
  fixtureTool("test_error_handling", async () => ({
    ...text("This tool intentionally returns an error for testing"),
    isError: true,
  })),
];

export const RESOURCES = [
  { uri: "test://static-text", name: "static-text", description: "Text", mimeType: "text/plain" },
  { uri: "test://static-binary", name: "static-binary", description: "A picture", mimeType: "image/png" },
  { uri: "test://watched-resource", name: "watched-resource", description: "Can be watched", mimeType: "text/plain" },
];

export async function readFixture(uri: string): Promise<ReadResourceResult | null> {
  if (uri === "test://static-text") {
    const said = "This is the content of the static text resource.";
    return { contents: [{ uri, mimeType: "text/plain", text: said }] };
  }
  if (uri === "test://static-binary") return { contents: [{ uri, mimeType: "image/png", blob: PNG }] };
  if (uri === "test://watched-resource") return { contents: [{ uri, mimeType: "text/plain", text: "Watched" }] };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) return null;
  const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
  return { contents: [{ uri, mimeType: "application/json", text: data }] };
}

export function fixturePrompt(name: string, argumentNames: readonly string[], get: McpPrompt["get"]): McpPrompt {
  const args = argumentNames.map((argument) => ({ name: argument, description: argument, required: true }));
  return { definition: { name, description: `For the conformance suite: ${name}`, arguments: args }, get };
}

export const PROMPTS: readonly McpPrompt[] = [
  fixturePrompt("test_simple_prompt", [], async () => ({
    messages: [{ role: "user", content: { type: "text", text: "This is a simple prompt for testing." } }],
  })),
  fixturePrompt("test_prompt_with_arguments", ["arg1", "arg2"], async ({ arg1, arg2 }) => ({
    messages: [
      { role: "user", content: { type: "text", text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` } },
    ],
  })),
  fixturePrompt("test_prompt_with_embedded_resource", ["resourceUri"], async ({ resourceUri = "" }) => ({
    messages: [
      {
        role: "user",
        content: {
          type: "resource",
          resource: { uri: resourceUri, mimeType: "text/plain", text: "Embedded resource content for testing." },
        },
      },
      { role: "user", content: { type: "text", text: "Please process the embedded resource above." } },
    ],
  })),
  fixturePrompt("test_prompt_with_image", [], async () => ({
    messages: [
      { role: "user", content: { type: "image", data: PNG, mimeType: "image/png" } },
      { role: "user", content: { type: "text", text: "Please analyze the image above." } },
    ],
  })),
];
