/** `perdure task show` */

import { taskShownText } from "../text/task-text.ts";
import { operationVerb } from "../verb.ts";

export const taskShow = operationVerb({
  arguments: [{ name: "TASK", help: "its key in the plan, its id, or the beginning of one" }],
  options: [],
  examples: ["perdure task show build", "perdure task show 3f2a91c0 --json"],
  load: async () => (await import("../../operations/task-show.ts")).taskShow,
  input: (args) => ({ task: args.text("TASK") }),
  text: taskShownText,
});
