/** What a person may ask an agent for with one word: go on, or plan. */

import type { GetPromptResult } from "@modelcontextprotocol/server";

import type { McpPrompt } from "./surface.ts";

/** How work goes, told to every model that connects. */
export const INSTRUCTIONS = `Perdure keeps your work durable: tasks, progress, evidence and decisions survive crashes and full context windows. Everything acknowledged is recorded.
The loop: get_brief (where the work stands) → next_task (claims one) → do it, reporting with update_task progress → update_task complete with evidence → remember decisions and findings worth keeping → next_task. New work: submit_plan for several tasks, create_background_task for one. Never redo what is completed. When an answer is an error, it says what to do next.`;

export const PROMPTS: readonly McpPrompt[] = [
  {
    definition: {
      name: "continue",
      title: "Continue the work",
      description: "Finds out where the work stands and goes on with it to its end.",
    },
    get: async () =>
      userMessage(
        `Continue the work of this project where it stopped. ${BRIEF_FIRST} Then repeat until next_task has none: take a task with next_task, do it, report with update_task (progress as you go, complete with evidence that shows it is done), and remember what later work should know. Do not redo anything that is completed. At the end tell me what was done and what is left.`,
      ),
  },
  {
    definition: {
      name: "plan",
      title: "Plan a goal",
      description: "Breaks a goal down into tasks with dependencies and records them.",
      arguments: [{ name: "goal", description: "What is to be reached", required: true }],
    },
    get: async ({ goal }) =>
      userMessage(
        `Make a plan for this goal and record it with submit_plan:\n\n${goal ?? "(ask me for the goal first)"}\n\n${BRIEF_FIRST} Look at what there is before you plan. Each task: small enough for one sitting, a short id, a title that says what is done when it is done, a description with what its doer must know, and needs for what must be completed before. Name in the description how it is shown to be done. Show me the plan in a few lines before you submit it.`,
      ),
  },
];

const BRIEF_FIRST = "Call get_brief first.";

function userMessage(text: string): GetPromptResult {
  return { messages: [{ role: "user", content: { type: "text", text } }] };
}
