/** The tools of the conformance suite that ask the client for something while they run. */

import type { ClientCapabilities, InputRequests } from "@modelcontextprotocol/server";
import {
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  inputResponse,
  MissingRequiredClientCapabilityError,
} from "@modelcontextprotocol/server";

import type { McpCall, McpTool } from "../../src/mcp/surface.ts";
import { fixturePrompt, fixtureTool, text } from "./fixture-content.ts";

/** The state of a request that takes several rounds, sealed so that a client cannot change it. */
export interface Sealed {
  mint(state: unknown): Promise<string>;
}

type Properties = Record<string, { type: "string"; description?: string } | { type: "boolean" }>;

const ask = (message: string, properties: Properties) =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties, required: Object.keys(properties) },
  });
const sample = (question: string, maxTokens: number) =>
  inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text: question } }],
    maxTokens,
  });
const NAME: Properties = { name: { type: "string" } };

const responsesOf = ({ context }: McpCall): Record<string, unknown> => context.mcpReq.inputResponses ?? {};

/** What was accepted for a key, of an elicitation. */
function accepted(call: McpCall, key: string): Record<string, unknown> | null {
  const response = inputResponse(responsesOf(call), key);
  return response.kind === "elicit" && response.action === "accept" ? (response.content ?? {}) : null;
}

export function roundTools(sealed: Sealed): readonly McpTool[] {
  return [
    fixtureTool("test_input_required_result_elicitation", async (_args, call) => {
      const name = accepted(call, "user_name")?.name;
      if (typeof name === "string") return text(`Hello, ${name}!`);
      return inputRequired({ inputRequests: { user_name: ask("What is your name?", NAME) } });
    }),
    fixtureTool("test_input_required_result_sampling", async (_args, call) => {
      const response = inputResponse(responsesOf(call), "capital_question");
      if (response.kind === "sampling") return text(JSON.stringify(response.result.content));
      return inputRequired({ inputRequests: { capital_question: sample("What is the capital of France?", 100) } });
    }),
    fixtureTool("test_input_required_result_list_roots", async (_args, call) => {
      const response = inputResponse(responsesOf(call), "client_roots");
      if (response.kind === "roots") return text(response.roots.map(({ uri }) => uri).join(" "));
      return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
    }),
    fixtureTool("test_input_required_result_request_state", async (_args, call) => {
      if (accepted(call, "confirm") !== null && call.context.mcpReq.requestState() !== undefined)
        return text("state-ok");
      return inputRequired({
        inputRequests: { confirm: ask("Please confirm", { ok: { type: "boolean" } }) },
        requestState: await sealed.mint({ round: 1 }),
      });
    }),
    fixtureTool("test_input_required_result_tampered_state", async (_args, call) => {
      if (accepted(call, "confirm") !== null && call.context.mcpReq.requestState() !== undefined)
        return text("state-ok");
      return inputRequired({
        inputRequests: { confirm: ask("Please confirm", { ok: { type: "boolean" } }) },
        requestState: await sealed.mint({ round: 1 }),
      });
    }),
    fixtureTool("test_input_required_result_multiple_inputs", async (_args, call) => {
      const responses = responsesOf(call);
      if (["user_name", "greeting", "client_roots"].every((key) => key in responses)) return text("All there");
      return inputRequired({
        inputRequests: {
          user_name: ask("What is your name?", NAME),
          greeting: sample("Generate a greeting", 50),
          client_roots: inputRequired.listRoots(),
        },
        requestState: await sealed.mint({ round: 1 }),
      });
    }),
    fixtureTool("test_input_required_result_multi_round", async (_args, call) => {
      if (accepted(call, "step2") !== null) return text("Both rounds are done");
      if (accepted(call, "step1") !== null) {
        const color: Properties = { color: { type: "string" } };
        return inputRequired({
          inputRequests: { step2: ask("Step 2: What is your favorite color?", color) },
          requestState: await sealed.mint({ round: 2 }),
        });
      }
      return inputRequired({
        inputRequests: { step1: ask("Step 1: What is your name?", NAME) },
        requestState: await sealed.mint({ round: 1 }),
      });
    }),
    fixtureTool("test_input_required_result_capabilities", async (_args, call) => {
      const declared = capabilitiesOf(call);
      const inputRequests: InputRequests = {
        ...(declared.elicitation === undefined ? {} : { user_name: ask("What is your name?", NAME) }),
        ...(declared.sampling === undefined ? {} : { greeting: sample("Generate a greeting", 50) }),
      };
      return Object.keys(inputRequests).length === 0 ? text("Nothing can be asked") : inputRequired({ inputRequests });
    }),
    fixtureTool("test_streaming_elicitation", async (_args, call) => {
      if (accepted(call, "user_name") !== null) return text("Answered");
      return inputRequired({ inputRequests: { user_name: ask("What is your name?", NAME) } });
    }),
    fixtureTool("test_missing_capability", async (_args, call) => {
      if (capabilitiesOf(call).sampling !== undefined) return text("There");
      throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
    }),
  ];
}

function capabilitiesOf({ context }: McpCall): ClientCapabilities {
  const envelope = context.mcpReq.envelope as Readonly<Record<string, unknown>> | undefined;
  return (envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {}) as ClientCapabilities;
}

/** Sent with the answer to the request it belongs to: the stream beside it may not be open yet. */
function onStream({ mcpReq }: McpCall["context"]): { readonly relatedRequestId: string | number } {
  return { relatedRequestId: mcpReq.id };
}

/** Of the era in which the server may ask by a request of its own. */
export const PUSH_TOOLS: readonly McpTool[] = [
  fixtureTool("test_sampling", async ({ prompt }, { context }) => {
    const { content } = await context.mcpReq.requestSampling(
      {
        messages: [{ role: "user", content: { type: "text", text: String(prompt) } }],
        maxTokens: 100,
      },
      onStream(context),
    );
    const [first] = Array.isArray(content) ? content : [content];
    return text(`LLM response: ${first?.type === "text" ? first.text : ""}`);
  }),
  fixtureTool("test_elicitation", async ({ message }, { context }) => {
    const properties: Properties = {
      username: { type: "string", description: "User's response" },
      email: { type: "string", description: "User's email address" },
    };
    const { action, content } = await context.mcpReq.elicitInput(
      {
        message: String(message),
        requestedSchema: { type: "object", properties, required: ["username", "email"] },
      },
      onStream(context),
    );
    return text(`User response: action=${action}, content=${JSON.stringify(content ?? {})}`);
  }),
  fixtureTool("test_elicitation_sep1034_defaults", async (_args, { context }) => {
    const { action, content } = await context.mcpReq.elicitInput(
      {
        message: "Please review and update the form fields with defaults",
        requestedSchema: {
          type: "object",
          properties: {
            name: { type: "string", default: "John Doe" },
            age: { type: "integer", default: 30 },
            score: { type: "number", default: 95.5 },
            status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
            verified: { type: "boolean", default: true },
          },
          required: [],
        },
      },
      onStream(context),
    );
    return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
  }),
  fixtureTool("test_elicitation_sep1330_enums", async (_args, { context }) => {
    const options = ["option1", "option2", "option3"];
    const titled = [1, 2, 3].map((n) => ({ const: `value${n}`, title: `Choice ${n}` }));
    const { action, content } = await context.mcpReq.elicitInput(
      {
        message: "Please select options from the enum fields",
        requestedSchema: {
          type: "object",
          properties: {
            untitledSingle: { type: "string", enum: options },
            titledSingle: { type: "string", oneOf: titled },
            legacyEnum: {
              type: "string",
              enum: ["opt1", "opt2", "opt3"],
              enumNames: ["Option One", "Option Two", "Option Three"],
            },
            untitledMulti: { type: "array", items: { type: "string", enum: options } },
            titledMulti: { type: "array", items: { anyOf: titled } },
          },
          required: [],
        },
      },
      onStream(context),
    );
    return text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
  }),
];

export const ROUND_PROMPT = fixturePrompt("test_input_required_result_prompt", [], async (_args, call) => {
  const context = accepted(call, "user_context")?.context;
  if (typeof context === "string") {
    return { messages: [{ role: "user", content: { type: "text", text: `With ${context}` } }] };
  }
  const properties: Properties = { context: { type: "string" } };
  return inputRequired({ inputRequests: { user_context: ask("What context should the prompt use?", properties) } });
});
