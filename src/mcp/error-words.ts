/** Errors in the words of a model that has tools and no command line: what happened, and which tool goes on from here. */

import type { ErrorCode, PerdureError } from "../base/errors.ts";
import { ANSWER_LIMITS, shortenTo } from "./answer-limits.ts";

/** Where the hint of an error names commands, the tools that serve instead. */
const NEXT_STEP: Readonly<Record<ErrorCode, string>> = {
  "work-failed": "get_task_status tells how it failed; update_task with action retry tries it again.",
  usage: "Correct the arguments and call the tool again; nothing was changed.",
  "invalid-input": "Correct the arguments and call the tool again; nothing was changed.",
  "invalid-plan": "Correct the plan and call submit_plan again; nothing was submitted.",
  "invalid-config": "Ask the user to correct perdure.yaml.",
  unsupported: "Do it another way; nothing was changed.",
  "not-found": "list_all_tasks shows the tasks there are, get_brief where the work stands.",
  conflict: "get_task_status tells who has it; next_task gives you another task.",
  "wrong-state": "get_task_status tells where it stands; next_task gives you one that is ready.",
  "lease-lost": "Stop working on it: whoever holds it now goes on with it. next_task gives you another task.",
  "journal-mismatch": "Ask the user: the code of this task no longer does what it did before.",
  "limit-reached": "Finish or cancel some of what there is, or ask for less.",
  "environment-mismatch": "Ask the user; what has changed is named above.",
  "store-too-new": "Ask the user to update Perdure.",
  "store-damaged": "Ask the user to run `perdure doctor`; record nothing more until then.",
  "store-unreachable": "Call the tool again in a moment; what was not acknowledged may not have been recorded.",
  bug: "Ask the user to report this.",
  interrupted: "engine_resume goes on with it.",
};

const COMMAND = /`perdure |`import |`--|(^|\s)--[a-z]|--force\b/;

/** What happened and what to do next; one or two lines. */
export function errorWords(error: PerdureError): string {
  return `${shortenTo(withoutCommands(error.message), ANSWER_LIMITS.errorChars)}\n${nextStep(error)}`;
}

function nextStep({ code, hint }: PerdureError): string {
  return hint === null || COMMAND.test(hint) ? NEXT_STEP[code] : shortenTo(hint, ANSWER_LIMITS.errorChars);
}

function withoutCommands(message: string): string {
  return message.replaceAll(/; did you mean `perdure [^`]*`\?/g, "");
}
