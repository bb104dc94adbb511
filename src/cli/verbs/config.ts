/** `perdure config check` */

import { operationVerb } from "../verb.ts";

export const configCheck = operationVerb({
  arguments: [],
  options: [],
  notes: "Exit code 2 when something in it is wrong. --json shows all that holds, defaults included.",
  store: "on-use",
  load: async () => (await import("../../operations/config-check.ts")).configCheck,
  input: () => ({}),
  text: ({ file }) => (file === null ? "There is no perdure.yaml: the defaults hold." : `${file} is right.`),
});
