/** A brief for a model that has tools and no command line. */

import type { Brief } from "../operations/brief.ts";

/** What does for a model what a command does for a person; what a person alone can do is left to be asked for. */
const TOOLS_FOR: readonly (readonly [command: RegExp, tool: string])[] = [
  [/; by hand: `perdure task done [^`\n]*`/g, ""],
  [/`perdure task approve ([^`\n]*)` or `perdure task reject [^`\n]*`/g, "update_task $1 ask"],
  [/`perdure task resolve ([^`\n]*?) --done\|--retry\|--skip`/g, "update_task $1 resolve"],
  [/`perdure task retry ([^`\n]*)`/g, "update_task $1 retry"],
  [/`perdure resume[^`\n]*`/g, "engine_resume"],
  [/`perdure run PLAN`/g, "submit_plan"],
  [/`perdure brief --tokens (\d+)`/g, "get_brief tokens $1"],
];

export function toBriefText({ text, session }: Pick<Brief, "text" | "session">): string {
  const goOn = session === null ? "submit_plan" : session.status === "active" ? "next_task" : "engine_resume";
  const told = text.replaceAll(/^Continue: `[^\n]*`$/gm, `Continue: ${goOn}`);
  return TOOLS_FOR.reduce((said, [command, tool]) => said.replaceAll(command, tool), told);
}
