/** The surface of a project: every tool of the table, its resources, prompts and tasks. */

import type { OperationContext } from "../operations/operation.ts";
import { INSTRUCTIONS, PROMPTS } from "./project-prompts.ts";
import { projectResources } from "./project-resources.ts";
import type { McpSurface } from "./surface.ts";
import { projectTasks } from "./task-extension.ts";
import { TOOLS } from "./tool-table.ts";

export function projectSurface(context: OperationContext, { version }: { readonly version: string }): McpSurface {
  return {
    name: "perdure",
    title: "Perdure",
    version,
    instructions: INSTRUCTIONS,
    tools: TOOLS.map((tool) => tool(context)),
    resources: projectResources(context),
    prompts: PROMPTS,
    tasks: projectTasks(context),
  };
}
